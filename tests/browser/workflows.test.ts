// A rule from its change to its alert: drawn, checked, tried over history, published; and a file that does not come.
import type {Browser} from 'playwright-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {admin, Appliance, event, operator} from './support/appliance';
import {openBrowser, visit} from './support/browser';

let appliance: Appliance;
let browser: Browser;
beforeAll(async () => {
    appliance = await Appliance.start({regions: ['us'], config: '[alerts]\npending_s = 1'});
    browser = await openBrowser();
});
afterAll(async () => {
    await browser?.close();
    await appliance?.stop();
});

const publish = async (document: object) => {
    const {context} = await visit(browser, appliance, admin);
    const answer = await context.request.post('/api/v1/workflows?state=active', {data: document});
    expect(answer.status(), await answer.text()).toBe(201);
    await context.close();
};

describe('a rule', () => {
    it('is changed in the graph, simulated over what was received, and published', async () => {
        await publish({
            name: 'orders', key: 'subject',
            stages: [{name: 'placed', type: 'order.placed'}, {name: 'sent', type: 'order.sent', terminal: 'success'}],
            edges: [{from: 'placed', to: 'sent', within: '1h', severity: 4}],
        });
        const ago = (seconds: number) => ({time: new Date(Date.now() - seconds * 1_000).toISOString()});
        appliance.send([event('order.placed', 'o-1', ago(300)), event('order.placed', 'o-2', ago(5)), event('order.sent', 'o-2', ago(4))]);

        const {page, context, complaints} = await visit(browser, appliance, admin);
        await page.goto('/console/workflows/orders/edit');
        await page.getByText('No faults').waitFor();
        await page.locator('.react-flow__edge').first().click({force: true});
        const within = page.getByLabel('Within');
        await within.fill('1 fortnight');
        await within.press('Enter');
        await page.getByText('One fault').waitFor();
        await page.getByRole('button', {name: /\/edges\/0\/within/}).waitFor();
        await within.fill('1m');
        await within.press('Enter');
        await page.getByText('No faults').waitFor();
        await page.getByText('Changed, not published').waitFor();

        await page.getByRole('button', {name: 'Simulate'}).click();
        await page.getByRole('status').getByText('Done').waitFor();
        await page.getByRole('button', {name: /^Added: 1 at/}).waitFor();
        await page.getByRole('table', {name: 'Findings'}).getByRole('row').filter({hasText: 'o-1'}).waitFor();
        expect(await page.getByRole('table', {name: 'Findings'}).getByText('o-2').count()).toBe(0);

        await page.getByRole('button', {name: 'Publish…'}).click();
        const dialog = page.getByRole('dialog', {name: 'Publish orders'});
        await dialog.getByLabel('Reason').fill('a minute is enough');
        await dialog.getByRole('button', {name: 'Publish'}).click();
        await page.getByText('Version 2 was published: Active').waitFor();
        const diff = page.getByRole('region', {name: 'What version 2 changes'});
        await diff.getByText('"within": "1m"').waitFor();
        await diff.getByText('"within": "1h"').waitFor();
        expect(complaints).toEqual([]);
        await context.close();
    });

    it('that is being written is not offered for publishing to who may not', async () => {
        const {page, context} = await visit(browser, appliance, operator);
        await page.goto('/console/workflows/orders');
        await page.getByRole('heading', {name: 'Versions'}).waitFor();
        await page.getByRole('button', {name: 'Difference'}).first().waitFor();
        expect(await page.getByRole('button', {name: 'Retire'}).count()).toBe(0);
        await context.close();
    });
});

describe('a file that is missing when it is due', () => {
    it('turns the map red and fires; who acknowledges it is its owner', async () => {
        const due = new Date(Date.now() + 12_000);
        await publish({
            name: 'files', key: 'subject',
            expected: [{
                name: 'prices by eight', type: 'file.arrived', key: 'data.feed', keys: ['prices'], open: '1h', late_horizon: '2h', severity: 5, runbook: 'https://wiki.example/files',
                due: {zone: 'UTC', dates: [due.toISOString().slice(0, 10)], at: due.toISOString().slice(11, 19)},
            }],
        });
        const {page, context, complaints} = await visit(browser, appliance, operator);
        await page.goto('/console/map/files');
        await page.getByRole('group', {name: 'prices by eight: Green'}).or(page.getByLabel('prices by eight: Green')).first().waitFor();
        await page.getByLabel('prices by eight: Red').first().waitFor();
        await page.getByText('red: 1 missed').first().waitFor();
        await page.getByRole('link', {name: /^Alerts/}).first().click();
        await page.getByRole('row').filter({hasText: 'prices by eight'}).click();
        const alert = page.getByRole('article', {name: 'files prices by eight'});
        await alert.getByText('Firing').first().waitFor();
        expect(await alert.getByRole('link', {name: 'Open the runbook'}).getAttribute('href')).toBe('https://wiki.example/files');
        // An operator acknowledges; to assign and to silence is for supervisors.
        expect(await alert.getByRole('button', {name: 'Silence…'}).count()).toBe(0);
        await page.keyboard.press('a');
        await page.getByText('You look after it now').waitFor();
        await alert.getByText('Acknowledged', {exact: true}).first().waitFor();
        await alert.getByText('Acknowledged by').waitFor();
        await page.getByText('Nothing is firing').waitFor();
        expect(complaints).toEqual([]);
        await context.close();
    });

    it('is silenced with an end, an owner and a reason, and told why nobody hears of it', async () => {
        const {page, context} = await visit(browser, appliance, admin);
        await page.goto('/console/alerts?state=acked');
        await page.getByRole('row').filter({hasText: 'prices by eight'}).click();
        await page.getByRole('button', {name: 'Silence…'}).click();
        const dialog = page.getByRole('dialog', {name: 'Add a silence'});
        await dialog.getByLabel('Reason').fill('the feed moves');
        await dialog.getByText('4 h', {exact: true}).click();
        await dialog.getByRole('button', {name: 'Add a silence'}).click();
        await page.getByRole('link', {name: /^Silence \d+ holds its notifications back$/}).click();
        await page.getByRole('row').filter({hasText: 'the feed moves'}).getByText('Active').waitFor();
        await page.getByRole('button', {name: 'End it now'}).click();
        await page.getByRole('dialog').getByRole('button', {name: 'End it now'}).click();
        await page.getByText('Ended early').waitFor();
        await context.close();
    });
});
