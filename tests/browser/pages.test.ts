// Every page in both themes: nothing that axe calls serious, no complaint of the browser, no text that is not
// translated, and nothing wider than the screen.
import type {Browser} from 'playwright-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {admin, Appliance, event} from './support/appliance';
import {openBrowser, seriousViolations, visit} from './support/browser';

const paths = [
    '/', '/console/live', '/console/search', '/console/lifecycle?key=order-1', '/console/wall', '/console/alerts',
    '/console/silences', '/console/silences?tab=maintenance', '/console/review', '/console/review?view=over', '/console/review?view=people', '/console/map',
    '/console/map/orders?at=stage%20sent', '/console/workflows', '/console/workflows/orders', '/console/workflows/orders/edit', '/console/system', '/console/regions',
    '/console/deadletters', '/console/tenants', '/console/people', '/console/audit', '/console/config', '/console/nowhere',
];

let appliance: Appliance;
let browser: Browser;
let stopTraffic: () => Promise<void>;
beforeAll(async () => {
    appliance = await Appliance.start({
        workflows: [{
            name: 'orders', key: 'subject',
            stages: [{name: 'placed', type: 'order.placed'}, {name: 'sent', type: 'order.sent', terminal: 'success'}],
            edges: [{from: 'placed', to: 'sent', within: '1s', severity: 5}],
        }],
        config: '[[review.queue]]\nname = "intrusions"\ntypes = ["intrusion_detection"]\ndue = "5m"',
    });
    appliance.send([event('order.placed', 'order-1'), event('order.placed', 'order-2'), {broken: 'event'}]);
    stopTraffic = appliance.generate('50/s');
    browser = await openBrowser();
});
afterAll(async () => {
    await stopTraffic?.();
    await browser?.close();
    await appliance?.stop();
});

describe.each(['light', 'dark'] as const)('in the %s theme', (theme) => {
    it.each(paths)('%s has nothing serious', async (path) => {
        const {page, complaints} = await visit(browser, appliance, admin, {theme});
        await page.goto(path);
        await page.locator('h1').first().waitFor();
        await page.getByRole('status', {name: 'Loading…'}).first().waitFor({state: 'detached'});
        expect(await seriousViolations(page)).toEqual([]);
        expect(complaints).toEqual([]);
    });
});

it.each(paths)('%s fits a phone', async (path) => {
    const {page} = await visit(browser, appliance, admin, {width: 390});
    await page.goto(path);
    await page.locator('h1').first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

it.each(paths)('%s is translated', async (path) => {
    const {page, context} = await visit(browser, appliance, admin, {preferences: {language: 'en-XA'}});
    await page.goto(path);
    // A heading may be a name, but not all are.
    await page.locator('h1, h2, nav a').filter({hasText: '['}).first().waitFor();
    await page.getByRole('status', {name: /Loading/}).first().waitFor({state: 'detached'});
    // Words of data stand in elements that say so; all others come from texts, which the pseudo-locale marks.
    const bare = await page.evaluate(() => {
        const found: string[] = [];
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const text = node.textContent?.trim() ?? '';
            const element = node.parentElement!;
            if (!/[a-z]{4}/i.test(text) || /^\[.*~\]/s.test(text) || /[áéíóúñçý]/.test(text)) continue;
            if (element.closest('script, style, noscript, code, pre, kbd, time, svg, [data-given], [role="cell"], [role="option"], .cm-editor, .react-flow__attribution')) continue;
            found.push(`${element.tagName}: ${text}`);
        }
        return found;
    });
    expect(bare.filter((text) => !text.includes('Penstock'))).toEqual([]);
    await context.request.put('/api/v1/preferences', {data: {}});
});
