// Chromium, people who have signed in, and axe.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {type Browser, type BrowserContext, chromium, type Page} from 'playwright-core';
import {expect, onTestFinished} from 'vitest';
import type {Appliance} from './appliance';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function openBrowser(): Promise<Browser> {
    return chromium.launch({
        executablePath: process.env.CHROMIUM!,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
            '--disable-component-update', '--disable-sync', '--js-flags=--expose-gc'],
    });
}

export interface Visit {
    context: BrowserContext;
    page: Page;
    /// What the console complained about: content policy, faults, warnings.
    complaints: string[];
}
export interface Visitor {
    name: string;
    password: string;
}

/// A browser of its own, closed when the test is over; `who` undefined: nobody has signed in.
export async function visit(browser: Browser, appliance: Appliance, who: Visitor | undefined, more: {
    theme?: 'light' | 'dark'; width?: number; locale?: string; preferences?: object;
} = {}): Promise<Visit> {
    const {theme = 'light', width = 1440, locale = 'en-GB', preferences} = more;
    const context = await browser.newContext({
        baseURL: appliance.address,
        viewport: {width, height: 900},
        colorScheme: theme,
        locale,
        timezoneId: 'Europe/Berlin',
        reducedMotion: 'reduce',
    });
    onTestFinished(() => context.close());
    if (who) {
        const answer = await context.request.post('/api/v1/session', {data: who});
        expect(answer.status(), await answer.text()).toBe(201);
        if (preferences) await context.request.put('/api/v1/preferences', {data: preferences});
    }
    context.setDefaultTimeout(60_000);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)));
    return {context, page, complaints};
}

interface Violation {
    id: string;
    impact: string;
    nodes: {target: string[]; html: string; failureSummary: string}[];
}
/// What axe finds serious or worse.
export async function seriousViolations(page: Page): Promise<string[]> {
    // By DevTools, past the page's policy.
    await page.evaluate(axeSource);
    const found = (await page.evaluate(`axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})`)) as {violations: Violation[]};
    return found.violations
        .filter((v) => v.impact === 'serious' || v.impact === 'critical')
        .flatMap((v) => v.nodes.map((node) => `${v.id}: ${node.target.join(' ')} ${node.html.slice(0, 160)} — ${node.failureSummary.replaceAll('\n', ' ').slice(0, 240)}`));
}
