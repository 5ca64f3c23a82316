// One decision for many items: in requests of a few, so that there is progress, and a way to stop.
import {ProblemError, type Schemas} from '@/api/client';
import type {Item} from './items';

export interface BatchResult {
    item: Item;
    /// The item's version behind it; nothing where it was not done.
    version?: number;
    problem?: Schemas['Problem'] | undefined;
}
export interface BatchState {
    total: number;
    results: BatchResult[];
    state: 'running' | 'stopped' | 'done';
}
export const doneOf = (batch: BatchState): BatchResult[] => batch.results.filter((r) => r.version !== undefined);
export const failedOf = (batch: BatchState): BatchResult[] => batch.results.filter((r) => r.version === undefined);

/// `send` answers for all that it is given. What it throws is the answer for each of them; the rest is tried still,
/// unless nothing is heard of the appliance.
export async function runBatch(
    items: readonly Item[], size: number, send: (items: readonly Item[]) => Promise<BatchResult[]>,
    tell: (batch: BatchState) => void, stopped: () => boolean,
): Promise<BatchState> {
    const batch: BatchState = {total: items.length, results: [], state: 'running'};
    tell({...batch});
    for (let at = 0; at < items.length; at += size) {
        if (stopped()) {
            batch.state = 'stopped';
            break;
        }
        const some = items.slice(at, at + size);
        try {
            batch.results = [...batch.results, ...(await send(some))];
        } catch (error) {
            const problem = error instanceof ProblemError ? error.problem : undefined;
            batch.results = [...batch.results, ...some.map((item) => ({item, problem}))];
            if (!problem) {
                batch.state = 'stopped';
                break;
            }
        }
        tell({...batch});
    }
    if (batch.state === 'running') batch.state = 'done';
    tell({...batch});
    return batch;
}
