// Pictures of the console at work, for docs/images: `make pictures`. With PICTURES_ALL every page, wide and narrow,
// light and dark, with much data and with none, to be looked at.
import {mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Browser, Page} from 'playwright-core';
import {afterAll, beforeAll, describe, it} from 'vitest';
import {admin, Appliance, event, operator, root, supervisor} from './support/appliance';
import {openBrowser, visit} from './support/browser';

const folder = process.env.PICTURES;
const all = !!process.env.PICTURES_ALL;

const example = (name: string) => JSON.parse(readFileSync(join(root, `docs/examples/${name}.workflow.json`), 'utf8')) as object;
// The example expects its files on Sundays; here they were due a quarter of an hour ago.
function dueFiles(): object {
    const due = new Date(Date.now() + 20_000);
    const at = due.toISOString().slice(11, 19);
    const feed = (name: string, keys: string[], severity: number) => ({
        name, type: 'file.arrived', key: 'data.feed', keys, open: '1h', late_horizon: '2h', severity, runbook: 'https://wiki.example/files',
        due: {zone: 'UTC', dates: [due.toISOString().slice(0, 10)], at},
    });
    return {
        name: 'files', key: 'subject',
        stages: [{name: 'arrived', type: 'file.arrived'}, {name: 'loaded', type: 'file.loaded', terminal: 'success'}],
        edges: [{from: 'arrived', to: 'loaded', within: '10m', severity: 3}],
        expected: [feed('prices', ['eod', 'intraday'], 5), feed('positions', ['custody', 'broker'], 4)],
    };
}

/// Trades and orders, most of which go well.
function business(appliance: Appliance): () => void {
    let n = 0;
    const waiting: {at: number; what: object}[] = [];
    const steps: Record<string, string[]> = {
        trade: ['ordered', 'checked', 'sent', 'executed', 'settled'], order: ['placed', 'checked', 'routed', 'packed', 'shipped'],
    };
    const tick = setInterval(() => {
        const now = Date.now();
        for (let i = 0; i < 3; i++, n++) {
            const kind = n % 3 === 0 ? 'order' : 'trade';
            const subject = `${kind === 'trade' ? 'T' : 'O'}-${48_000 + n}`;
            const stall = n % 17 === 0 ? 1 : 5;
            steps[kind]!.slice(0, stall).forEach((step, at) => waiting.push({
                at: now + at * 900 + ((n * 37) % 700),
                what: {...event(`${kind}.${step}`, subject, {region: ['us', 'eu', 'apac'][n % 3]}), data: {total: 120 + ((n * 7919) % 3_000), desk: `desk ${n % 4}`}},
            }));
        }
        const due = waiting.filter((one) => one.at <= now).map((one) => ({...one.what, time: new Date().toISOString()}));
        waiting.splice(0, waiting.length, ...waiting.filter((one) => one.at > now));
        if (due.length > 0) appliance.send(due);
    }, 400);
    return () => clearInterval(tick);
}

const paths: Record<string, string> = {
    overview: '/', live: '/console/live', search: '/console/search?q=type%3Atrade.sent', lifecycle: '/console/lifecycle?key=T-48017', wall: '/console/wall',
    alerts: '/console/alerts', silences: '/console/silences', maintenance: '/console/silences?tab=maintenance', review: '/console/review',
    team: '/console/review?view=team', decided: '/console/review?view=over', operators: '/console/review?view=people', map: '/console/map', trades: '/console/map/trades',
    workflows: '/console/workflows', workflow: '/console/workflows/trades', editor: '/console/workflows/orders/edit', system: '/console/system',
    regions: '/console/regions', deadletters: '/console/deadletters', tenants: '/console/tenants', people: '/console/people',
    audit: '/console/audit', config: '/console/config',
};
const shown = ['overview', 'live', 'search', 'lifecycle', 'alerts', 'review', 'trades', 'editor', 'wall', 'system'];

async function settled(page: Page): Promise<void> {
    await page.locator('h1').first().waitFor();
    await page.getByRole('status', {name: 'Loading…'}).first().waitFor({state: 'detached'});
    // Charts, maps and the feed draw what comes; a picture of the first moment would show them empty.
    await page.waitForTimeout(2_500);
}
/// What a list has first is opened, where that is what the page is for.
async function open(page: Page, name: string): Promise<void> {
    if (!['alerts', 'review', 'deadletters', 'regions', 'search', 'audit', 'decided'].includes(name)) return;
    const row = page.getByRole('table').first().getByRole('row').nth(1);
    if ((await row.count()) > 0) await row.click();
    await page.mouse.move(0, 0);
    await page.waitForTimeout(800);
}

describe.skipIf(!folder)('pictures', () => {
    let appliance: Appliance;
    let browser: Browser;
    const stops: (() => unknown)[] = [];
    beforeAll(async () => {
        mkdirSync(folder!, {recursive: true});
        browser = await openBrowser();
    });
    afterAll(async () => {
        for (const stop of stops) await stop();
        await browser?.close();
        await appliance?.stop();
    });

    async function take(form: string, width: number, theme: 'light' | 'dark', names: string[]): Promise<void> {
        const {page, context} = await visit(browser, appliance, admin, {theme, width});
        for (const name of names) {
            if (name === 'review' || name === 'operators') await context.request.post('/api/v1/users/ada.admin/active', {data: {}});
            await page.goto(paths[name]!);
            await settled(page);
            if (form !== 'none') await open(page, name);
            await page.screenshot({path: join(folder!, `${name}${form && `-${form}`}.png`)});
        }
        await context.close();
    }

    it.skipIf(!all)('with no data', async () => {
        appliance = await Appliance.start();
        await take('none', 1440, 'light', Object.keys(paths));
        await appliance.stop();
    });

    it('with much of it', async () => {
        appliance = await Appliance.start({
            regions: ['us', 'ca', 'eu', 'apac', 'latam'],
            workflows: [example('incidents'), example('trade'), example('orders'), dueFiles()],
            config: '[alerts]\npending_s = 1\n[[review.queue]]\nname = "intrusions"\ntypes = ["intrusion_detection"]\ncondition = "severity == 5"\ndue = "5m"',
        });
        stops.push(appliance.generate('2000/s', true), business(appliance));
        // People who work, so that presence, decisions and the trail have something to tell.
        for (const who of [operator, supervisor]) {
            const {context} = await visit(browser, appliance, who);
            await context.request.post('/api/v1/users/me/active', {data: {}});
        }
        appliance.send([{broken: 'event'}, event('trade.ordered', '', {severity: 9}), {...event('trade.sent', 'T-1'), time: 'yesterday'}]);
        await new Promise((done) => setTimeout(done, 60_000));
        await take(all ? 'wide-light' : '', 1440, 'light', all ? Object.keys(paths) : shown);
        if (!all) return;
        await take('wide-dark', 1440, 'dark', Object.keys(paths));
        await take('narrow-light', 390, 'light', Object.keys(paths));
        await take('narrow-dark', 390, 'dark', Object.keys(paths));
        await take('wall', 2560, 'dark', ['wall', 'overview']);
    }, 900_000);
});
