// The review queue as operators see it: who has an item, what became of it meanwhile, many at once.
import {type APIRequestContext, type Browser, type Page, request} from 'playwright-core';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import {admin, Appliance, eventually, event} from './support/appliance';
import {openBrowser, visit} from './support/browser';

const password = 'a password of theirs';
const person = (name: string) => ({name, password});
const supervisor = person('sue');
const doors = {
    name: 'doors', key: 'subject',
    stages: [{name: 'forced', type: 'door.forced'}, {name: 'closed', type: 'door.closed', terminal: 'success'}],
    edges: [{from: 'forced', to: 'closed', within: '1h'}],
};

let appliance: Appliance;
let browser: Browser;
let api: APIRequestContext;
beforeAll(async () => {
    appliance = await Appliance.start({regions: ['us', 'eu'], workflows: [doors], config: '[[review.queue]]\nname = "doors"\ntypes = ["door.forced"]\ndue = "5m"'});
    browser = await openBrowser();
    api = await request.newContext({baseURL: appliance.address});
    await api.post('/api/v1/session', {data: admin});
    for (const [name, role] of [['sue', 'supervisor'], ['ann', 'operator'], ['ben', 'operator'], ['cleo', 'operator'], ['dan', 'operator']])
        expect((await api.post('/api/v1/users', {data: {name, role, password}})).status()).toBe(201);
});
// Who stays is given what the next story sends.
afterEach(async () => {
    for (const name of ['sue', 'ann', 'ben', 'cleo', 'dan']) await api.delete(`/api/v1/users/${name}/active`, {data: {}});
});
afterAll(async () => {
    await api?.dispose();
    await browser?.close();
    await appliance?.stop();
});

const itemsOf = async (request: APIRequestContext, query: string): Promise<{id: number; version: number; holder?: string; state: string}[]> =>
    ((await (await request.get(`/api/v1/review/items?${query}`)).json()) as {items: {id: number; version: number; state: string}[]}).items;
const row = (page: Page, subject: string) => page.getByRole('row').filter({hasText: subject});

describe('two people and one item', () => {
    it('opening it shows it as taken to the other; who lost it is told who has it, and keeps what was typed', async () => {
        const ann = await visit(browser, appliance, person('ann'));
        appliance.send([event('door.forced', 'gate 7')]);
        await ann.page.goto('/console/review');
        await row(ann.page, 'gate 7').click();
        await ann.page.getByText('You are working on this').waitFor();

        const ben = await visit(browser, appliance, person('ben'));
        await ben.page.goto('/console/review?view=team');
        await row(ben.page, 'gate 7').getByText('ann').waitFor();
        await row(ben.page, 'gate 7').click();
        await ben.page.getByText('ann is working on this').waitFor();
        expect(await ben.page.getByRole('button', {name: 'Approve'}).count()).toBe(0);

        // What Ann sees stays as it was until she sends her decision.
        let decided = false;
        await ann.page.route(/\/review\/items\/\d+$/, (route) => (decided ? route.continue() : route.abort()));
        ann.page.on('request', (request) => (decided ||= request.url().endsWith('/decide')));
        await ann.page.keyboard.press('r');
        await ann.page.getByLabel('Why is it rejected?').fill('the guard opened it');

        const sue = await visit(browser, appliance, supervisor);
        await sue.page.goto('/console/review?view=team');
        await row(sue.page, 'gate 7').click();
        await sue.page.getByRole('button', {name: 'Reassign'}).click();
        await sue.page.getByLabel('To whom').and(sue.page.locator('input')).click();
        await sue.page.getByRole('option', {name: /^ben/}).click();
        await sue.page.getByRole('dialog').getByRole('button', {name: 'Reassign'}).click();
        await sue.page.getByText(/ben has item \d+ now/).waitFor();

        await ann.page.getByRole('button', {name: 'Reject', exact: true}).click();
        const told = ann.page.getByRole('alert').filter({hasText: 'the item changed while you looked at it'});
        await told.getByText(/ben has it now/).waitFor();
        await told.getByText('Reassigned').waitFor();
        expect(await ann.page.getByLabel('Why is it rejected?').inputValue()).toBe('the guard opened it');

        await ben.page.goto('/console/review');
        await row(ben.page, 'gate 7').click();
        await ben.page.getByText('You are working on this').waitFor();
        await ben.page.keyboard.press('a');
        await ben.page.getByText(/Item \d+ was approved/).waitFor();
        await ben.page.getByRole('button', {name: /^Undo \(/}).click();
        await ben.page.getByText('The decision was undone').waitFor();
        expect((await itemsOf(sue.context.request, 'state=open'))[0]).toMatchObject({holder: 'ben'});
        await ben.page.getByRole('button', {name: 'Approve'}).click();
        await ben.page.getByText('Nothing waits for you').waitFor();
        await ben.page.goto('/console/lifecycle?key=gate%207');
        const decision = ben.page.getByRole('listitem').filter({hasText: 'Approved'}).first();
        await decision.getByText('ben').waitFor();
    });

    it('keys do it all, and the next item comes by itself', async () => {
        const dan = await visit(browser, appliance, person('dan'));
        appliance.send([event('door.forced', 'gate 21'), event('door.forced', 'gate 22')]);
        await dan.page.goto('/console/review');
        await row(dan.page, 'gate 22').waitFor();
        await dan.page.keyboard.press('j');
        await dan.page.getByRole('article', {name: /gate 21/}).waitFor();
        await dan.page.getByRole('button', {name: 'Approve'}).waitFor();
        await dan.page.keyboard.press('a');
        await dan.page.getByRole('article', {name: /gate 22/}).waitFor();
        await dan.page.getByText('You are working on this').waitFor();
        await dan.page.keyboard.press('r');
        await dan.page.keyboard.type('not a door of ours');
        await dan.page.keyboard.press('Control+Enter');
        await dan.page.getByText('Nothing waits for you').waitFor();
        const [rejected] = await itemsOf(dan.context.request, 'state=rejected');
        const item = (await (await dan.context.request.get(`/api/v1/review/items/${rejected!.id}`)).json()) as {history: {note?: string}[]};
        expect(item.history[item.history.length - 1]!.note).toBe('not a door of ours');
    });
});

describe('a batch', () => {
    it('of 50 is approved; one that somebody else got meanwhile fails, and says why; the others can be undone', async () => {
        const cleo = await visit(browser, appliance, person('cleo'));
        appliance.send(Array.from({length: 50}, (_, i) => event('door.forced', `yard ${i + 1}`)));
        await cleo.page.goto('/console/review');
        const mine = await eventually('Cleo has all 50', async () => {
            const items = await itemsOf(cleo.context.request, 'holder=me&limit=100');
            return items.length === 50 ? items : undefined;
        });
        await row(cleo.page, 'yard 1').first().waitFor();
        await eventually('all are listed', async () => (await cleo.page.getByRole('table', {name: 'Items'}).getAttribute('aria-rowcount')) === '51' || undefined);
        await cleo.page.getByLabel('Select what is listed').check();
        await cleo.page.getByRole('toolbar', {name: '50 selected'}).getByRole('button', {name: 'Approve…'}).click();
        const dialog = cleo.page.getByRole('dialog', {name: 'Approve 50 items'});
        await dialog.getByText('doors · door.forced').waitFor();

        const ben = await visit(browser, appliance, person('ben'));
        const sue = await visit(browser, appliance, supervisor);
        const {id, version} = mine[24]!;
        const given = await sue.context.request.post(`/api/v1/review/items/${id}/reassign`, {data: {version, to: 'ben'}});
        expect(given.status(), await given.text()).toBe(200);

        await dialog.getByRole('button', {name: 'Do all 50'}).click();
        await dialog.getByText('50 of 50').waitFor();
        await dialog.getByText('49 done').waitFor();
        const failed = dialog.getByRole('listitem').filter({hasText: 'One failed'});
        await failed.getByText(/somebody else has it.*ben has it/).waitFor();
        expect(await failed.count()).toBe(1);
        expect((await itemsOf(sue.context.request, 'state=approved&limit=100')).filter((item) => mine.some((m) => m.id === item.id))).toHaveLength(49);

        await dialog.getByRole('button', {name: /^Undo the 49 \(/}).click();
        await cleo.page.getByText('49 were undone').waitFor();
        expect(await itemsOf(sue.context.request, 'state=open&limit=100')).toHaveLength(50);
    });
});
