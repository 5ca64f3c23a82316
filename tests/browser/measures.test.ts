// What the console costs: the first load, long tasks, memory under a steady feed.
import {appendFileSync} from 'node:fs';
import type {Browser} from 'playwright-core';
import {afterAll, beforeAll, expect, it} from 'vitest';
import {admin, Appliance} from './support/appliance';
import {openBrowser, visit} from './support/browser';

const firstLoadMax = 300_000;
/// Minutes of the feed; the 30 by BROWSER_MINUTES=30.
const minutes = Number(process.env.BROWSER_MINUTES ?? 1);

let appliance: Appliance;
let browser: Browser;
let stopTraffic: () => Promise<void>;
beforeAll(async () => {
    appliance = await Appliance.start();
    stopTraffic = appliance.generate('5000/s');
    browser = await openBrowser();
});
afterAll(async () => {
    await stopTraffic?.();
    await browser?.close();
    await appliance?.stop();
});

function tell(what: string): void {
    process.stdout.write(`${what}\n`);
    if (process.env.BROWSER_MEASURES) appendFileSync(process.env.BROWSER_MEASURES, `${what}\n`);
}

it('the first load is below 300 KB, as sent', async () => {
    const {page, context} = await visit(browser, appliance, admin);
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    let bytes = 0;
    const sizes: string[] = [];
    const names = new Map<string, string>();
    session.on('Network.responseReceived', (e) => names.set(e.requestId, e.response.url));
    session.on('Network.loadingFinished', (e) => {
        const url = names.get(e.requestId) ?? '';
        if (url.includes('/api/')) return;
        bytes += e.encodedDataLength;
        sizes.push(`${Math.round(e.encodedDataLength / 100) / 10} KB ${url.replace(/^.*\//, '')}`);
    });
    await page.goto('/console/nowhere');
    await page.getByRole('heading', {level: 1}).waitFor();
    await page.waitForLoadState('networkidle');
    tell(`first load: ${Math.round(bytes / 1_000)} KB (${sizes.sort().join(', ')})`);
    expect(bytes).toBeGreaterThan(50_000);
    expect(bytes).toBeLessThan(firstLoadMax);
});

it('memory is flat and tasks are short under 5,000 events a second', async () => {
    const {page, context} = await visit(browser, appliance, admin);
    await page.goto('/console/live');
    await page.getByRole('table', {name: 'Live feed'}).getByRole('row').nth(15).waitFor();
    await page.evaluate(() => {
        const seen = {count: 0, longest: 0};
        (window as {longTasks?: typeof seen}).longTasks = seen;
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) {
                seen.count += 1;
                seen.longest = Math.max(seen.longest, entry.duration);
            }
        }).observe({type: 'longtask'});
    });
    const session = await context.newCDPSession(page);
    const heap = async () => {
        await session.send('HeapProfiler.collectGarbage');
        return (await session.send('Runtime.getHeapUsage')).usedSize;
    };
    // The feed is full before the first measure: what it keeps is bounded.
    const shown = () => page.evaluate(() => Number(document.querySelector('[role=table]')?.getAttribute('aria-rowcount') ?? 0));
    while ((await shown()) < 1_000) await page.waitForTimeout(500);
    const samples: number[] = [];
    for (const end = Date.now() + minutes * 60_000; ; await page.waitForTimeout(30_000)) {
        samples.push(await heap());
        tell(`heap after ${samples.length - 1} half minutes: ${(samples[samples.length - 1]! / 1e6).toFixed(1)} MB`);
        if (Date.now() >= end) break;
    }
    const tasks = await page.evaluate(() => (window as unknown as {longTasks: {count: number; longest: number}}).longTasks);
    const first = samples[0]!, last = samples[samples.length - 1]!;
    tell(`live feed, ${minutes} min of 5,000 events/s: heap ${(first / 1e6).toFixed(1)} -> ${(last / 1e6).toFixed(1)} MB; ${tasks.count} long tasks, the longest ${Math.round(tasks.longest)} ms`);
    expect(last).toBeLessThan(first * 1.3 + 2_000_000);
}, (minutes + 3) * 60_000);
