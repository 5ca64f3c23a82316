// Stories of who watches: with real regions.
import type {Browser} from 'playwright-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {admin, Appliance, event} from './support/appliance';
import {openBrowser, visit} from './support/browser';

const trades = {
    name: 'trades', key: 'subject',
    stages: [
        {name: 'ordered', type: 'trade.ordered'},
        {name: 'sent', type: 'trade.sent'},
        {name: 'executed', type: 'trade.executed', terminal: 'success'},
    ],
    edges: [
        {from: 'ordered', to: 'sent', within: '1h'},
        {from: 'sent', to: 'executed', within: '1s', name: 'reply of execution', severity: 5, runbook: 'https://wiki.example/execution'},
    ],
};

let appliance: Appliance;
let browser: Browser;
beforeAll(async () => {
    appliance = await Appliance.start({regions: ['us', 'eu'], workflows: [trades], config: '[alerts]\npending_s = 0\n[routing]\ndefault_region = "us"'});
    browser = await openBrowser();
});
afterAll(async () => {
    await browser?.close();
    await appliance?.stop();
});

describe('a trade that stalls', () => {
    it('shows on the overview, and is traced to its last hop', async () => {
        const {page} = await visit(browser, appliance, admin);
        await page.goto('/');
        await page.getByText('All is well').first().waitFor();
        appliance.send([event('trade.ordered', 'T-100', {data: {quantity: 7, venue: 'XNYS'}, region: 'us'}), event('trade.sent', 'T-100', {region: 'us'})]);
        await page.getByText('One thing is wrong').first().waitFor();
        const troubles = page.getByRole('region', {name: 'Top troubles'});
        await troubles.getByText('reply of execution').waitFor();
        await page.keyboard.press('Control+k');
        await page.getByPlaceholder('Go to, find, do…').fill('T-100');
        await page.getByText('Lifecycle of “T-100”').click();
        await page.getByRole('heading', {name: 'Lifecycle of T-100'}).waitFor();
        const hops = page.getByRole('list', {name: 'How long each hop took, to scale'});
        await hops.getByText('ordered').first().waitFor();
        await hops.getByText('Missed').waitFor();
        await hops.getByText(/overdue/).waitFor();
        await hops.getByRole('button', {name: 'Show its data'}).first().click();
        await page.getByLabel('Data of ordered').getByText('"XNYS"').waitFor();
        // It comes after all, while the page is open.
        appliance.send([event('trade.executed', 'T-100', {region: 'us'})]);
        await page.getByText('Completed').waitFor();
        await page.getByText(/ late$/).first().waitFor();
    });
});

describe('the search', () => {
    it('finds by a part of the payload, over regions, and narrows by a click', async () => {
        appliance.send([
            ...Array.from({length: 30}, (_, i) => event('order.placed', `O-${i}`, {region: i % 3 ? 'us' : 'eu', severity: (i % 5) + 1, data: {note: i === 7 ? 'needle in it' : 'hay'}})),
        ]);
        const {page} = await visit(browser, appliance, admin);
        await page.goto('/console/search');
        const filter = page.getByRole('textbox', {name: 'Filter'});
        await filter.fill('type:order.placed "needle in"');
        await filter.press('Enter');
        const table = page.getByRole('table', {name: 'Search'});
        await table.getByText('O-7').waitFor();
        expect(await table.getByRole('row').count()).toBe(2);
        await filter.fill('type:order.placed');
        await filter.press('Enter');
        await page.getByText('30 events').first().waitFor();
        await page.getByTitle('Only eu').click();
        await page.getByText('10 events').first().waitFor();
        expect(new URL(page.url()).searchParams.get('q')).toBe('type:order.placed region:eu');
        // The address bar holds it: another browser shows the same.
        const other = await visit(browser, appliance, admin);
        await other.page.goto(page.url());
        await other.page.getByText('10 events').first().waitFor();
    });

    it('says what is wrong with a filter, and completes it', async () => {
        const {page} = await visit(browser, appliance, admin);
        await page.goto('/console/search?q=severity%3A9');
        await page.getByText('A severity is 1 to 5, not 9').waitFor();
        const filter = page.getByRole('textbox', {name: 'Filter'});
        await filter.fill('');
        await filter.pressSequentially('reg');
        await page.getByRole('option', {name: 'region:'}).click();
        await page.getByRole('option', {name: 'region:eu'}).click();
        await page.waitForURL(/q=region%3Aeu/);
    });

    it('exports exactly what is filtered', async () => {
        const {page} = await visit(browser, appliance, admin);
        await page.goto('/console/search?q=type%3Aorder.placed+region%3Aeu');
        await page.getByText('10 events').first().waitFor();
        await page.getByRole('button', {name: 'Export'}).click();
        const download = page.waitForEvent('download');
        await page.getByRole('menuitem', {name: 'As NDJSON'}).click();
        const stream = await (await download).createReadStream();
        let text = '';
        for await (const piece of stream) text += String(piece);
        expect(text.trim().split('\n').length).toBe(10);
    });

    it('shows what there is when a region is down, and names it', async () => {
        appliance.stopRegion('eu');
        try {
            const {page} = await visit(browser, appliance, admin);
            await page.goto('/console/search?q=type%3Aorder.placed');
            await page.getByText('Not everything could be asked.').waitFor();
            await page.getByText(/^eu: /).first().waitFor();
            await page.getByRole('table', {name: 'Search'}).getByText('O-1', {exact: true}).waitFor();
        } finally {
            appliance.startRegion('eu');
        }
    });

    it('keeps a view for the next time', async () => {
        const {page} = await visit(browser, appliance, admin);
        await page.goto('/console/search?q=severity%3E%3D4');
        await page.getByRole('button', {name: 'Views'}).click();
        await page.getByPlaceholder('Save this view').fill('the bad ones');
        const kept = page.waitForResponse((r) => r.url().endsWith('/preferences') && r.request().method() === 'PUT');
        await page.getByRole('button', {name: 'Save', exact: true}).click();
        await kept;
        const other = await visit(browser, appliance, admin);
        await other.page.goto('/console/search');
        await other.page.getByRole('button', {name: 'Views'}).click();
        await other.page.getByRole('menuitem', {name: 'the bad ones'}).click();
        await other.page.waitForURL(/severity/);
        await other.context.request.put('/api/v1/preferences', {data: {}});
    });

    it('shares a view with the team, where whoever only looks can follow it and not remove it', async () => {
        const {page, context} = await visit(browser, appliance, admin);
        await page.goto('/console/search?q=severity%3E%3D4');
        await page.getByRole('button', {name: 'Views'}).click();
        await page.getByPlaceholder('Save this view').fill('bad for all');
        await page.getByRole('switch', {name: 'For the team'}).check();
        await page.getByRole('button', {name: 'Save', exact: true}).click();
        await page.getByRole('menuitem', {name: 'bad for all'}).waitFor();
        await context.request.post('/api/v1/users', {data: {name: 'looker', role: 'viewer', password: 'looks at all of it'}});
        const looker = await visit(browser, appliance, {name: 'looker', password: 'looks at all of it'});
        await looker.page.goto('/console/search');
        await looker.page.getByRole('button', {name: 'Views'}).click();
        await looker.page.getByRole('menuitem', {name: 'bad for all'}).waitFor();
        expect(await looker.page.getByRole('button', {name: 'Remove bad for all'}).count()).toBe(0);
        await looker.page.getByRole('menuitem', {name: 'bad for all'}).click();
        await looker.page.waitForURL(/severity/);
        await page.getByRole('button', {name: /bad for all/}).click();
        await page.getByRole('menuitem', {name: 'bad for all'}).waitFor({state: 'detached'});
    });
});

describe('the live feed', () => {
    it('shows what comes in, and waits while one reads', async () => {
        const {page} = await visit(browser, appliance, admin);
        await page.goto('/console/live?type=feed.test');
        await page.getByText('Nothing matches yet').waitFor();
        appliance.send([event('feed.test', 'first')]);
        const table = page.getByRole('table', {name: 'Live feed'});
        await table.getByText('first').click();
        await page.getByRole('complementary', {name: 'Event'}).getByText('feed.test').first().waitFor();
        await page.getByText('Paused while you read.').waitFor();
        appliance.send([event('feed.test', 'second'), event('feed.test', 'third')]);
        await page.getByRole('button', {name: '2 new events'}).waitFor();
        expect(await table.getByText('second').count()).toBe(0);
        await page.getByRole('button', {name: '2 new events'}).click();
        await table.getByText('third').waitFor();
        await table.getByText('second').waitFor();
    });
});

describe('the wallboard', () => {
    it('opens by a read-only link that needs no sign-in and can do nothing else', async () => {
        const maker = await visit(browser, appliance, admin);
        await maker.page.goto('/console/tenants');
        await maker.page.getByRole('button', {name: 'Wallboard link'}).click();
        await maker.page.getByRole('button', {name: 'Make it'}).click();
        const link = await maker.page.locator('code').filter({hasText: '/console/wall#key='}).innerText();
        const {page, context} = await visit(browser, appliance, undefined);
        await page.goto(link);
        await page.getByRole('heading', {name: 'Health', level: 1}).waitFor();
        await page.getByText('Live', {exact: true}).waitFor();
        await page.getByRole('button', {name: 'Regions'}).click();
        await page.getByText('eu', {exact: true}).waitFor();
        const key = new URL(link).hash.slice('#key='.length);
        const answer = await context.request.post('/api/v1/deadletters/1/drop', {headers: {'X-API-Key': key}, data: {}});
        expect(answer.status()).toBe(403);
    });
});
