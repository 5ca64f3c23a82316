import {describe, expect, it} from 'vitest';
import type {Status} from '@/api/stream';
import {checksOf, lagOf, worst} from './health';

type Region = Status['regions'][number];
const region = (more: Partial<Region> = {}): Region => ({name: 'eu', configured: true, state: 'active', failures: 0, error: '', breaker: 'closed', lag_seconds: 0, ...more});
function status(more: object = {}): Status {
    return {
        readiness: 'ready', ingest: {overloaded: false, connections: {open: 2}}, log: {bytes_used: 10, bytes_max: 100},
        sla: {timers: 3, hold: null}, regions: [region()], alerts: {firing: 0, acked: 0}, events: {dead_letters_per_second: 0, dead_letters: 1},
        ...more,
    } as unknown as Status;
}
const levels = (of: Status) => Object.fromEntries(checksOf(of).map((c) => [c.name, c.level]));

describe('health', () => {
    it('is well where all is', () => {
        expect(levels(status())).toEqual({intake: 'ok', log: 'ok', deadlines: 'ok', regions: 'ok', alerts: 'ok', letters: 'ok'});
    });
    it.each([
        ['intake', {readiness: 'recovering'}, 'bad'],
        ['intake', {ingest: {overloaded: true}}, 'bad'],
        ['log', {log: {bytes_used: 75, bytes_max: 100}}, 'warn'],
        ['log', {log: {bytes_used: 90, bytes_max: 100}}, 'bad'],
        ['log', {log: {bytes_used: 0, bytes_max: 0}}, 'ok'],
        ['deadlines', {sla: {hold: {until: 'x', awaited: []}}}, 'warn'],
        ['regions', {regions: [region(), region({breaker: 'open'})]}, 'bad'],
        ['regions', {regions: [region({breaker: 'half_open'})]}, 'warn'],
        ['regions', {regions: [region({lag_seconds: 61})]}, 'warn'],
        ['regions', {regions: [region({lag_seconds: 60})]}, 'ok'],
        ['regions', {regions: [region({configured: false, breaker: 'open'})]}, 'none'],
        ['alerts', {alerts: {firing: 1, acked: 3}}, 'bad'],
        ['alerts', {alerts: {firing: 0, acked: 3}}, 'warn'],
        ['letters', {events: {dead_letters_per_second: 0.4}}, 'warn'],
    ])('of %s with %j is %s', (name, more, level) => expect(levels(status(more))[name]).toBe(level));
    it('tells nothing of what somebody limited does not see', () => {
        expect(levels(status({log: undefined, sla: undefined, events: undefined, ingest: undefined}))).toEqual({intake: 'ok', regions: 'ok', alerts: 'ok'});
    });
    it('of several is the worst', () => {
        expect(worst(['ok', 'warn', 'none'])).toBe('warn');
        expect(worst([])).toBe('none');
    });
    it('of a region without a database is none', () => expect(lagOf(region({configured: false, lag_seconds: 999}))).toBe('none'));
});
