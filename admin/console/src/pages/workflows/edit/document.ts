// A workflow's document as the visual editor changes it. Members that the editor does not know stay as they are.

export interface Stage {
    name: string;
    type?: string;
    when?: string;
    terminal?: 'success' | 'failure';
    optional?: boolean;
    exclusive?: boolean;
    join?: string[];
    [more: string]: unknown;
}
export interface Edge {
    from: string;
    to: string;
    within?: string;
    within_ms?: number;
    severity?: number;
    grace?: string;
    hours?: string;
    runbook?: string;
    name?: string;
    [more: string]: unknown;
}
export interface ClockRule {
    name?: string;
    [more: string]: unknown;
}
export interface Document {
    name?: string;
    stages?: Stage[];
    edges?: Edge[];
    calendars?: {name?: string}[];
    expected?: ClockRule[];
    absence?: ClockRule[];
    volume?: ClockRule[];
    [more: string]: unknown;
}
export const clockKinds = ['expected', 'absence', 'volume'] as const;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
export const objects = <T>(value: unknown): T[] => (Array.isArray(value) ? value.filter(isObject) : []) as T[];

/// Nothing where the text is no JSON object.
export function parseDocument(text: string): Document | undefined {
    try {
        const value: unknown = JSON.parse(text);
        return isObject(value) ? (value as Document) : undefined;
    } catch {
        return undefined;
    }
}
/// Those that have both ends, with their place in the document.
export function edgesOf(document: Document): {edge: Edge; at: number}[] {
    if (!Array.isArray(document.edges)) return [];
    return document.edges.map((edge, at) => ({edge, at})).filter(({edge}) => isObject(edge) && typeof edge.from === 'string' && typeof edge.to === 'string');
}
export const isShort = (document: Document): boolean => !Array.isArray(document.stages);
/// In the short form, the event types that the edges name.
export function stagesOf(document: Document): Stage[] {
    if (!isShort(document)) return objects<Stage>(document.stages).filter((s) => typeof s.name === 'string');
    return [...new Set(edgesOf(document).flatMap(({edge}) => [edge.from, edge.to]))].map((name) => ({name}));
}
export const edgeName = (edge: Edge): string => edge.name ?? `${edge.from} -> ${edge.to}`;
export const withinOf = (edge: Edge): string => edge.within ?? (edge.within_ms === undefined ? '' : `${edge.within_ms}ms`);

/// Without the members that are empty.
function filled<T extends object>(value: T): T {
    return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined && v !== '' && v !== false)) as T;
}

export function changeStage(document: Document, name: string, change: Partial<Stage>): Document {
    const renamed = change.name || name;
    const follow = (end: string) => (end === name ? renamed : end);
    const stage = (s: Stage): Stage => {
        if (s.name === name) return filled({...s, ...change, name: renamed});
        return Array.isArray(s.join) ? {...s, join: s.join.map(follow)} : s;
    };
    return {
        ...document,
        ...(isShort(document) ? {} : {stages: (document.stages ?? []).map(stage)}),
        ...(document.edges ? {edges: document.edges.map((e) => ({...e, from: follow(e.from), to: follow(e.to)}))} : {}),
    };
}
export function changeEdge(document: Document, at: number, change: Partial<Edge>): Document {
    const next = (edge: Edge) => {
        const changed = {...edge, ...change};
        if (change.within !== undefined) delete changed.within_ms;
        return filled(changed);
    };
    return {...document, edges: (document.edges ?? []).map((edge, i) => (i === at ? next(edge) : edge))};
}
export function addStage(document: Document): {document: Document; name: string} {
    const taken = new Set(stagesOf(document).map((s) => s.name));
    let name = 'stage';
    for (let n = 2; taken.has(name); ++n) name = `stage ${n}`;
    const stages = isShort(document) ? stagesOf(document).map((s) => ({name: s.name, type: s.name})) : (document.stages ?? []);
    return {document: {...document, stages: [...stages, {name, type: name}]}, name};
}
export function addEdge(document: Document, from: string, to: string): Document {
    if (edgesOf(document).some(({edge}) => edge.from === from && edge.to === to)) return document;
    return {...document, edges: [...(document.edges ?? []), {from, to, within: '5m'}]};
}
export function removeEdge(document: Document, at: number): Document {
    return {...document, edges: (document.edges ?? []).filter((_, i) => i !== at)};
}
export function removeStage(document: Document, name: string): Document {
    return {
        ...document,
        ...(isShort(document) ? {} : {stages: (document.stages ?? []).filter((s) => s.name !== name)}),
        edges: (document.edges ?? []).filter((e) => e.from !== name && e.to !== name),
    };
}

const lineMax = 110;
/// On one line, with a space behind each comma and colon.
function flat(value: unknown): string {
    if (Array.isArray(value)) return `[${value.map(flat).join(', ')}]`;
    if (isObject(value)) return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${flat(one)}`).join(', ')}}`;
    return JSON.stringify(value) ?? 'null';
}
/// JSON as people write it: what fits on a line stays on one, and lists of objects have one an entry.
export function pretty(value: unknown, indent = ''): string {
    const whole = flat(value);
    const isList = Array.isArray(value);
    if (!isList && !isObject(value)) return whole;
    const open = indent === '' || (isList && value.some(isObject));
    if (whole.length <= 2 || (!open && whole.length + indent.length <= lineMax)) return whole;
    const inner = `${indent}  `;
    const lines = isList ? value.map((one) => inner + pretty(one, inner)) : Object.entries(value).map(([name, one]) => `${inner}${JSON.stringify(name)}: ${pretty(one, inner)}`);
    return `${isList ? '[' : '{'}\n${lines.join(',\n')}\n${indent}${isList ? ']' : '}'}`;
}

export const template = pretty({
    name: 'new-workflow',
    key: 'subject',
    stages: [{name: 'placed', type: 'order.placed'}, {name: 'sent', type: 'order.sent', terminal: 'success'}],
    edges: [{from: 'placed', to: 'sent', within: '1h', severity: 3}],
});
