// A workflow as boxes and arrows. What did not change keeps its object, so that it is not drawn again.
import type {Schemas} from '@/api/client';

export type Workflow = Schemas['Workflow'];
export type Rule = Workflow['rules'][number];
export type Stage = Workflow['stages'][number];
export type Health = Schemas['Health'];

export interface BoxData extends Record<string, unknown> {
    name: string;
    kind: 'stage' | 'expected' | 'absence' | 'volume';
    health: Health;
    terminal: 'success' | 'failure' | undefined;
    /// Waiting behind a stage, under way of a rule.
    waiting: number;
    reached: number;
    trouble: number;
    risk: number;
    due: string | null;
}
export interface ArrowData extends Record<string, unknown> {
    name: string;
    health: Health;
    pending: number;
    trouble: number;
    risk: number;
}
export interface Box {
    id: string;
    data: BoxData;
}
export interface Arrow {
    id: string;
    from: string;
    to: string;
    data: ArrowData;
}
export interface Drawing {
    boxes: Box[];
    arrows: Arrow[];
    /// The same as long as boxes and arrows are the same ones, whatever their figures.
    shape: string;
}
export const stageId = (name: string): string => `stage ${name}`;
export const ruleId = (name: string): string => `rule ${name}`;

const isEdge = (rule: Rule): boolean => rule.kind === 'edge' && rule.from !== undefined && rule.to !== undefined;

function same(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
    for (const name in b) if (a[name] !== b[name]) return false;
    return true;
}
function kept<T extends {id: string; data: Record<string, unknown>}>(before: readonly T[] | undefined, now: T[]): T[] {
    if (!before) return now;
    const old = new Map(before.map((one) => [one.id, one]));
    let changed = before.length !== now.length;
    const all = now.map((one, at) => {
        const was = old.get(one.id);
        const stays = was !== undefined && same(was.data, one.data);
        changed ||= !stays || before[at] !== was;
        return stays ? was : one;
    });
    return changed ? all : (before as T[]);
}

export function drawingOf(workflow: Workflow, before?: Drawing): Drawing {
    const arrows: Arrow[] = workflow.rules.filter(isEdge).map((rule) => ({
        id: ruleId(rule.name), from: stageId(rule.from!), to: stageId(rule.to!),
        data: {name: rule.name, health: rule.health, pending: rule.counts.pending, trouble: rule.counts.in_trouble, risk: rule.counts.at_risk},
    }));
    const into = new Map<string, {trouble: number; risk: number; due: string | null}>();
    for (const rule of workflow.rules) {
        if (!isEdge(rule)) continue;
        const sum = into.get(rule.to!) ?? {trouble: 0, risk: 0, due: null};
        sum.trouble += rule.counts.in_trouble;
        sum.risk += rule.counts.at_risk;
        if (rule.next_due && (!sum.due || rule.next_due < sum.due)) sum.due = rule.next_due;
        into.set(rule.to!, sum);
    }
    const boxes: Box[] = [
        ...workflow.stages.map((stage) => {
            const {trouble, risk, due} = into.get(stage.name) ?? {trouble: 0, risk: 0, due: null};
            return {id: stageId(stage.name), data: {name: stage.name, kind: 'stage' as const, health: stage.health, terminal: stage.terminal, waiting: stage.waiting, reached: stage.reached, trouble, risk, due}};
        }),
        ...workflow.rules.filter((rule) => rule.kind !== 'edge').map((rule) => ({
            id: ruleId(rule.name),
            data: {
                name: rule.name, kind: rule.kind as 'expected' | 'absence' | 'volume', health: rule.health, terminal: undefined, waiting: rule.counts.pending, reached: rule.counts.met,
                trouble: rule.counts.in_trouble, risk: rule.counts.at_risk, due: rule.next_due,
            },
        })),
    ];
    const known = new Set(boxes.map((box) => box.id));
    const joined = arrows.filter((arrow) => known.has(arrow.from) && known.has(arrow.to));
    return {
        boxes: kept(before?.boxes, boxes),
        arrows: kept(before?.arrows, joined),
        shape: `${workflow.name} ${workflow.version} ${boxes.map((b) => b.id).join('|')} ${joined.map((a) => a.id).join('|')}`,
    };
}
