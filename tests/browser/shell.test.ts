import type {Browser} from 'playwright-core';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {admin, Appliance, operator} from './support/appliance';
import {openBrowser, visit} from './support/browser';

let appliance: Appliance;
let browser: Browser;
beforeAll(async () => {
    appliance = await Appliance.start();
    browser = await openBrowser();
});
afterAll(async () => {
    await browser?.close();
    await appliance?.stop();
});

describe('signing in', () => {
    it('by name and password leads to the page that was asked for', async () => {
        const {page} = await visit(browser, appliance, undefined);
        await page.goto('/console/system?from=here');
        await page.getByLabel('Name').fill(operator.name);
        await page.getByRole('textbox', {name: 'Password'}).fill('not this');
        await page.getByRole('button', {name: 'Sign in'}).click();
        await page.getByRole('alert').filter({hasText: 'did not sign you in'}).waitFor();
        await page.getByRole('textbox', {name: 'Password'}).fill(operator.password);
        await page.getByRole('button', {name: 'Sign in'}).click();
        await page.getByRole('heading', {name: 'System', level: 1}).waitFor();
        expect(page.url()).toBe(`${appliance.address}/console/system?from=here`);
    });

    it('by a token that several share asks who it is', async () => {
        const {page} = await visit(browser, appliance, undefined);
        await page.goto('/console/live');
        await page.getByRole('button', {name: 'With a token'}).click();
        await page.getByRole('textbox', {name: 'Token'}).fill('123123123123123');
        await page.getByRole('button', {name: 'Sign in'}).click();
        await page.getByRole('button', {name: 'abc-3'}).click();
        await page.getByTitle('Account and preferences').filter({hasText: 'abc'}).waitFor();
    });

    it('by a link opens the console', async () => {
        const {page} = await visit(browser, appliance, undefined);
        await page.goto('/123123123123123');
        await page.getByRole('button', {name: /abc-2/}).click();
        await page.getByRole('heading', {name: 'Overview', level: 1}).waitFor();
    });

    it('again, after the session has ended elsewhere, keeps the page', async () => {
        const {page, context} = await visit(browser, appliance, operator);
        await page.goto('/console/system');
        await page.getByRole('heading', {name: 'System', level: 1}).waitFor();
        await context.request.delete('/api/v1/session');
        await page.getByRole('dialog', {name: 'Your session has ended'}).waitFor();
        await page.getByLabel('Name').fill(operator.name);
        await page.getByRole('textbox', {name: 'Password'}).fill(operator.password);
        await page.getByRole('button', {name: 'Sign in'}).click();
        await page.getByRole('dialog', {name: 'Your session has ended'}).waitFor({state: 'detached'});
        await page.getByText('Live', {exact: true}).waitFor();
    });
});

describe('the shell', () => {
    it('offers a role only what it may', async () => {
        const navigation = async (who: typeof admin) => {
            const {page} = await visit(browser, appliance, who);
            await page.goto('/');
            await page.getByRole('link', {name: 'Overview'}).first().waitFor();
            const names = await page.getByRole('navigation', {name: 'Pages'}).first().getByRole('link').allInnerTexts();
            return names;
        };
        expect(await navigation(admin)).toContain('Tenants and keys');
        const offered = await navigation(operator);
        expect(offered).not.toContain('Tenants and keys');
        expect(offered).not.toContain('Audit');
        expect(offered).toContain('Review');
    });

    it('keeps preferences on the server, for another browser', async () => {
        const first = await visit(browser, appliance, admin);
        await first.page.goto('/');
        await first.page.getByTitle('Account and preferences').click();
        await first.page.getByRole('menuitem', {name: 'Preferences'}).click();
        await first.page.getByText('Dark', {exact: true}).click();
        const kept = first.page.waitForResponse((r) => r.url().endsWith('/preferences') && r.request().method() === 'PUT');
        await first.page.getByText('Deutsch', {exact: true}).click();
        await first.page.getByRole('dialog', {name: 'Einstellungen'}).waitFor();
        expect((await kept).status()).toBe(200);
        const second = await visit(browser, appliance, admin);
        await second.page.goto('/');
        await second.page.getByRole('heading', {name: 'Überblick', level: 1}).waitFor();
        await second.page.locator('html[data-mantine-color-scheme="dark"][lang="de"]').waitFor();
        await second.context.request.put('/api/v1/preferences', {data: {}});
    });

    it('goes by keys and by the palette', async () => {
        const {page} = await visit(browser, appliance, operator);
        await page.goto('/');
        await page.getByRole('heading', {name: 'Overview', level: 1}).waitFor();
        await page.keyboard.press('g');
        await page.keyboard.press('l');
        await page.getByRole('heading', {name: 'Live feed', level: 1}).waitFor();
        await page.keyboard.press('Control+k');
        await page.getByPlaceholder('Go to, find, do…').fill('dead let');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', {name: 'Dead letters', level: 1}).waitFor();
    });

    it('takes a key that was remapped', async () => {
        const {page, context} = await visit(browser, appliance, operator, {preferences: {shortcuts: {'go.live': 'x'}}});
        await page.goto('/');
        await page.getByRole('heading', {name: 'Overview', level: 1}).waitFor();
        await page.keyboard.press('x');
        await page.getByRole('heading', {name: 'Live feed', level: 1}).waitFor();
        await context.request.put('/api/v1/preferences', {data: {}});
    });

    it('greys what is not live while the appliance is down, and goes on when it is back', async () => {
        const {page} = await visit(browser, appliance, operator);
        await page.goto('/');
        await page.getByText('Live', {exact: true}).waitFor();
        await appliance.kill();
        await page.getByText(/Not live. What you see is as of \d\d:\d\d:\d\d/).waitFor();
        expect(await page.locator('main[data-stale]').count()).toBe(1);
        await appliance.launch();
        await page.getByText('Live', {exact: true}).waitFor();
        await page.locator('main:not([data-stale])').waitFor();
        await page.getByRole('button', {name: '1 new notification'}).waitFor();
    });
});
