// Stories of who runs the appliance.
import type {Browser} from 'playwright-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {admin, Appliance, eventually, event} from './support/appliance';
import {openBrowser, visit} from './support/browser';

let appliance: Appliance;
let browser: Browser;
beforeAll(async () => {
    appliance = await Appliance.start({regions: ['us']});
    browser = await openBrowser();
});
afterAll(async () => {
    await browser?.close();
    await appliance?.stop();
});

describe('a dead letter', () => {
    it('is looked at, mended and sent again; another is dropped with a reason', async () => {
        appliance.send([{specversion: '1.0', id: 'x-1', source: '/tests', subject: 'mend-me'}, {specversion: '1.0', id: 'x-2', source: '/tests', subject: 'drop-me'}]);
        const {page} = await visit(browser, appliance, admin);
        await page.goto('/console/deadletters');
        const rows = page.getByRole('table', {name: 'Dead letters'}).getByRole('row');
        await rows.nth(2).click();
        const text = page.getByRole('textbox', {name: 'Mended: one event as JSON'});
        const first = await text.inputValue();
        expect(first).toContain('mend-me');
        await text.fill(JSON.stringify({...(JSON.parse(first) as object), type: 'mended'}));
        await page.getByRole('button', {name: 'Send again'}).click();
        await page.getByText(/Stored as event/).first().waitFor();
        await rows.nth(1).click();
        await page.getByRole('button', {name: 'Drop'}).click();
        const dialog = page.getByRole('dialog');
        expect(await dialog.getByRole('button', {name: 'Drop'}).isDisabled()).toBe(true);
        await dialog.getByRole('textbox', {name: 'Reason'}).fill('a test of the producer');
        await dialog.getByRole('button', {name: 'Drop'}).click();
        await page.getByText('“a test of the producer”').waitFor();
    });
});

describe('a tenant', () => {
    it('is made with a key that is shown once, and disabled', async () => {
        const {page, context} = await visit(browser, appliance, admin);
        await page.goto('/console/tenants');
        await page.getByRole('button', {name: 'New tenant'}).click();
        await page.getByRole('textbox', {name: 'Name'}).fill('acme');
        await page.getByRole('button', {name: 'Make it'}).click();
        const key = await page.locator('code').filter({hasText: /^pk_/}).innerText();
        await page.getByRole('dialog').getByRole('button', {name: 'Close', exact: true}).last().click();
        const send = () => context.request.post('/api/v1/events', {headers: {'X-API-Key': key, Cookie: ''}, data: event('order.placed', 'A-1')});
        expect((await send()).status()).toBe(201);
        await page.getByRole('button', {name: 'Disable'}).click();
        await page.getByText('Disabled').waitFor();
    });
});

describe('a user', () => {
    it('is made, signs in, and is signed out by the admin', async () => {
        const {page} = await visit(browser, appliance, admin);
        await page.goto('/console/people');
        await page.getByRole('button', {name: 'New user'}).click();
        const form = page.getByRole('dialog');
        await form.getByRole('textbox', {name: 'Name'}).fill('new.person');
        await form.getByRole('textbox', {name: 'Password'}).fill('a long password');
        await form.getByRole('button', {name: 'Make it'}).click();
        await page.getByRole('table', {name: 'Users'}).getByText('new.person').first().waitFor();
        const other = await visit(browser, appliance, {name: 'new.person', password: 'a long password'});
        await other.page.goto('/');
        await other.page.getByRole('heading', {name: 'Overview'}).waitFor();
        await page.reload();
        const session = page.getByRole('table', {name: 'Sessions'}).getByRole('row').filter({hasText: 'new.person'});
        await session.getByRole('button', {name: 'End'}).click();
        await other.page.getByRole('dialog', {name: 'Your session has ended'}).waitFor();
        await page.goto('/console/audit?action=user.');
        await page.getByRole('table', {name: 'Audit'}).getByText('new.person').first().waitFor();
    });
});

describe('a region', () => {
    it('is added with a database of its own, takes events, is drained and removed', async () => {
        appliance.startRegion('eu');
        const {page} = await visit(browser, appliance, admin);
        await page.goto('/console/regions');
        await page.getByRole('button', {name: 'New region'}).click();
        const form = page.getByRole('dialog', {name: 'New region'});
        await form.getByLabel('Name', {exact: false}).first().fill('eu');
        await form.getByLabel('Database').fill(appliance.dsn('eu'));
        await form.getByRole('button', {name: 'Add it'}).click();
        const eu = page.getByRole('region', {name: 'eu'});
        await eu.getByText('Up to date').waitFor();
        appliance.send(Array.from({length: 20}, (_, i) => event('door.opened', `gate ${i}`, {region: 'eu'})));
        await eventually('its database has them', () => appliance.stored('eu') === 20 || undefined);

        await eu.getByRole('button', {name: 'Drain'}).click();
        await page.getByRole('dialog', {name: 'Drain eu'}).getByRole('button', {name: 'Drain'}).click();
        await eu.getByText('Drained').waitFor();
        appliance.send([event('door.opened', 'too late', {region: 'eu'})]);
        await page.goto('/console/deadletters');
        await page.getByRole('row').filter({hasText: 'region_draining'}).first().waitFor();

        await page.goto('/console/regions');
        await eu.getByRole('button', {name: 'Remove'}).click();
        await page.getByRole('dialog', {name: 'Remove eu'}).getByRole('button', {name: 'Remove'}).click();
        await eu.waitFor({state: 'detached'});
        expect(appliance.stored('eu')).toBe(20);
    });
});

it('the configuration shows what differs from the defaults', async () => {
    const {page} = await visit(browser, appliance, admin);
    await page.goto('/console/config?changed=1');
    await page.getByText('ingest.listen').waitFor();
    expect(await page.getByText('dedup.window_s').count()).toBe(0);
});
