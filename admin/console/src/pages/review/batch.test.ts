import {describe, expect, it} from 'vitest';
import {ProblemError} from '@/api/client';
import {type BatchResult, type BatchState, doneOf, failedOf, runBatch} from './batch';
import type {Item} from './items';

const items = (count: number): Item[] => Array.from({length: count}, (_, i) => ({id: i + 1, version: 1}) as Item);
const allDone = (some: readonly Item[]): Promise<BatchResult[]> => Promise.resolve(some.map((item) => ({item, version: 2})));
const problem = {type: 'urn:penstock:problem:busy', title: 'Busy', status: 503, detail: ''};

describe('a batch', () => {
    it('goes in requests of a few and tells each step', async () => {
        const told: number[] = [];
        const batch = await runBatch(items(50), 20, allDone, (b) => told.push(b.results.length), () => false);
        expect(told).toEqual([0, 20, 40, 50, 50]);
        expect(batch.state).toBe('done');
        expect(doneOf(batch)).toHaveLength(50);
    });
    it('keeps what failed beside what was done', async () => {
        const one = await runBatch(items(5), 5, (some) => Promise.resolve(some.map((item) => (item.id === 3 ? {item, problem} : {item, version: 2}))), () => {}, () => false);
        expect(failedOf(one).map((r) => r.item.id)).toEqual([3]);
        expect(doneOf(one)).toHaveLength(4);
    });
    it('goes on behind a request that was refused', async () => {
        let first = true;
        const batch = await runBatch(items(4), 2, (some) => {
            if (!first) return allDone(some);
            first = false;
            return Promise.reject(new ProblemError(problem));
        }, () => {}, () => false);
        expect(failedOf(batch).map((r) => r.problem?.title)).toEqual(['Busy', 'Busy']);
        expect(doneOf(batch)).toHaveLength(2);
    });
    it('stops where nobody answers, and where it is told to', async () => {
        const lost = await runBatch(items(6), 2, () => Promise.reject(new ProblemError(undefined)), () => {}, () => false);
        expect([lost.state, lost.results.length]).toEqual(['stopped', 2]);
        let last: BatchState | undefined;
        const stopped = await runBatch(items(6), 2, allDone, (b) => (last = b), () => (last?.results.length ?? 0) >= 4);
        expect([stopped.state, stopped.results.length]).toEqual(['stopped', 4]);
    });
});
