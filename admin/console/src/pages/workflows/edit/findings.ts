// What a simulation found, as a timeline: so many of each kind in each stretch of the span.
import type {Schemas} from '@/api/client';

export type Simulation = Schemas['Simulation'];
export type Difference = NonNullable<Simulation['added']>;
export type Finding = Difference['shown'][number];
export const kinds = ['added', 'removed', 'moved'] as const;
export type Kind = (typeof kinds)[number];
export interface Found extends Finding {
    kind: Kind;
    /// When it would have fired.
    at: number;
}

export function allFound(simulation: Simulation): Found[] {
    return kinds
        .flatMap((kind) => (simulation[kind]?.shown ?? []).map((finding) => ({...finding, kind, at: Date.parse(finding.found ?? finding.deadline ?? '')})))
        .filter((finding) => Number.isFinite(finding.at))
        .sort((a, b) => a.at - b.at);
}
export interface Bins {
    from: number;
    step: number;
    counts: Record<Kind, number[]>;
    most: number;
}
/// Of the span in which something was found, so that what lies close together is told apart.
export function binned(found: readonly Found[], bins: number): Bins {
    const first = found[0]?.at ?? 0, last = found[found.length - 1]?.at ?? 0;
    const step = Math.max((last - first) / Math.max(bins - 1, 1), 1_000);
    const counts: Record<Kind, number[]> = {added: Array<number>(bins).fill(0), removed: Array<number>(bins).fill(0), moved: Array<number>(bins).fill(0)};
    for (const {kind, at} of found) counts[kind][Math.min(bins - 1, Math.floor((at - first) / step))]! += 1;
    return {from: first, step, counts, most: Math.max(1, ...kinds.flatMap((kind) => counts[kind]))};
}
export const binOf = (bins: Bins, at: number, count: number): number => Math.min(count - 1, Math.floor((at - bins.from) / bins.step));
