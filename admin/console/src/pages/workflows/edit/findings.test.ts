import {describe, expect, it} from 'vitest';
import {allFound, binned, binOf, type Simulation} from './findings';

const finding = (second: number) => ({rule: 'a -> b', tenant: 'default', key: `k${second}`, severity: 3, deadline: null, found: new Date(1_700_000_000_000 + second * 1_000).toISOString()});
const simulation = {
    added: {total: 2, shown: [finding(50), finding(0)]}, removed: {total: 1, shown: [finding(99)]}, moved: {total: 1, shown: [{...finding(3), found: null, deadline: null}]},
} as unknown as Simulation;

describe('a timeline', () => {
    it('has what was found in order, without what has no time', () => {
        expect(allFound(simulation).map((f) => [f.kind, f.key])).toEqual([['added', 'k0'], ['added', 'k50'], ['removed', 'k99']]);
    });
    it('counts each in its stretch', () => {
        const found = allFound(simulation);
        const bins = binned(found, 10);
        expect(bins.counts.added.map((n, i) => [i, n]).filter(([, n]) => n)).toEqual([[0, 1], [4, 1]]);
        expect(bins.counts.removed[9]).toBe(1);
        expect(binOf(bins, found[2]!.at, 10)).toBe(9);
    });
    it('of nothing, and of one instant, is drawn too', () => {
        expect(binned([], 5).most).toBe(1);
        expect(binned(allFound({added: {total: 1, shown: [finding(1)]}} as unknown as Simulation), 5).counts.added).toEqual([1, 0, 0, 0, 0]);
    });
});
