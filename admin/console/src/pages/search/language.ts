// The filter language: words as `type:order.placed region:eu severity>=4 from:-1h "late payment"`. A word alone is a
// part of the payload. It becomes the parameters of /api/v1/events/search.

export const fields = ['key', 'type', 'tenant', 'region', 'severity', 'state', 'from', 'to', 'time_from', 'time_to', 'sort', 'order', 'text'] as const;
export type Field = (typeof fields)[number];
export type SearchParameters = Partial<Record<Field | 'severity_at_least', string>>;

export type FaultKind = 'unknown_field' | 'twice' | 'no_value' | 'bad_severity' | 'bad_time' | 'bad_choice';
export interface Fault {
    kind: FaultKind;
    /// Where in the text.
    at: number;
    length: number;
    what: string;
}
export interface Word {
    at: number;
    length: number;
    field: string | undefined;
    value: string;
}

export const choices: Partial<Record<Field, readonly string[]>> = {
    state: ['waiting', 'stored'],
    sort: ['received', 'time'],
    order: ['newest', 'oldest'],
    severity: ['1', '2', '3', '4', '5'],
    from: ['-15m', '-1h', '-6h', '-24h', '-7d'],
};

const wordPattern = /(?:([a-z_]+)(:|>=))?("(?:\\.|[^"\\])*"?|[^\s"]+)?/gy;

export function wordsOf(text: string): Word[] {
    const words: Word[] = [];
    for (let at = 0; at < text.length; ) {
        if (/\s/.test(text[at]!)) {
            at += 1;
            continue;
        }
        wordPattern.lastIndex = at;
        const match = wordPattern.exec(text);
        const whole = match?.[0] || text[at]!;
        const raw = match?.[3] ?? '';
        const value = raw.startsWith('"') ? raw.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1') : raw;
        words.push({at, length: whole.length, field: match?.[1], value: match?.[1] ? value : value || whole});
        at += whole.length;
    }
    return words;
}

const spans: Record<string, number> = {s: 1e3, m: 60e3, h: 3600e3, d: 86400e3, w: 7 * 86400e3};
/// "-90m" from now, or a date with or without time (local), or RFC 3339. Undefined: none of them.
export function instantOf(value: string, now: number): string | undefined {
    const ago = /^-(\d{1,6})([smhdw])$/.exec(value);
    if (ago) return new Date(now - Number(ago[1]) * spans[ago[2]!]!).toISOString();
    if (value === 'now') return new Date(now).toISOString();
    if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(value)) return undefined;
    const at = new Date(value.length === 10 ? `${value}T00:00` : value.replace(' ', 'T'));
    return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

export interface Parsed {
    parameters: SearchParameters;
    faults: Fault[];
}

export function parse(text: string, now: number): Parsed {
    const parameters: SearchParameters = {};
    const faults: Fault[] = [];
    const plain: string[] = [];
    for (const word of wordsOf(text)) {
        const fault = (kind: FaultKind, what = word.value) => faults.push({kind, at: word.at, length: word.length, what});
        if (!word.field) {
            plain.push(word.value);
            continue;
        }
        if (!(fields as readonly string[]).includes(word.field)) {
            fault('unknown_field', word.field);
            continue;
        }
        const field = word.field as Field;
        const name = field === 'severity' ? 'severity_at_least' : field;
        if (!word.value) fault('no_value', field);
        else if (parameters[name] !== undefined) fault('twice', field);
        else if (field === 'severity' && !/^[1-5]$/.test(word.value)) fault('bad_severity');
        else if ((field === 'state' || field === 'sort' || field === 'order') && !choices[field]!.includes(word.value)) fault('bad_choice');
        else if (['from', 'to', 'time_from', 'time_to'].includes(field)) {
            const at = instantOf(word.value, now);
            if (at === undefined) fault('bad_time');
            else parameters[name] = at;
        } else parameters[name] = word.value;
    }
    if (plain.length > 0) parameters.text = [parameters.text, ...plain].filter(Boolean).join(' ');
    return {parameters, faults};
}

const quote = (value: string) => (/[\s"]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value);

/// The text with this field set to a value, or without it.
export function withField(text: string, field: Field, value: string | undefined): string {
    const words = wordsOf(text).filter((w) => w.field !== field).map((w) => text.slice(w.at, w.at + w.length));
    if (value !== undefined) words.push(`${field}${field === 'severity' ? '>=' : ':'}${quote(value)}`);
    return words.join(' ');
}

/// What could stand where the cursor is; `values`: known ones of a field.
export function completions(text: string, cursor: number, values: (field: Field) => readonly string[]): {from: number; options: string[]} {
    const word = wordsOf(text).find((w) => w.at < cursor && cursor <= w.at + w.length);
    const typed = word ? text.slice(word.at, cursor) : '';
    const field = /^([a-z_]+)(:|>=)"?(.*)$/.exec(typed);
    if (field && (fields as readonly string[]).includes(field[1]!)) {
        const name = field[1] as Field;
        const known = [...new Set([...(choices[name] ?? []), ...values(name)])];
        const begun = field[3]!.toLowerCase();
        return {from: word!.at, options: known.filter((v) => v.toLowerCase().includes(begun) && v !== field[3]).slice(0, 8).map((v) => `${name}${field[2]}${quote(v)}`)};
    }
    const begun = typed.toLowerCase();
    const present = new Set(wordsOf(text).map((w) => w.field));
    return {
        from: word?.at ?? cursor,
        options: fields.filter((f) => f !== 'text' && f.startsWith(begun) && !present.has(f)).map((f) => (f === 'severity' ? 'severity>=' : `${f}:`)),
    };
}
