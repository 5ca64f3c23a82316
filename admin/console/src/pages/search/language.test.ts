import {describe, expect, it} from 'vitest';
import {completions, instantOf, parse, withField} from './language';

const now = Date.parse('2026-03-10T12:00:00Z');
const of = (text: string) => parse(text, now).parameters;
const faults = (text: string) => parse(text, now).faults.map((f) => f.kind);

describe('the filter language', () => {
    it('takes fields', () => expect(of('type:order.placed region:eu severity>=4')).toEqual({type: 'order.placed', region: 'eu', severity_at_least: '4'}));
    it('takes words as a part of the payload', () => expect(of('late payment type:a')).toEqual({type: 'a', text: 'late payment'}));
    it('takes quotes, with spaces, colons and quotes in them', () => {
        expect(of('key:"a b"')).toEqual({key: 'a b'});
        expect(of('"x: \\"y\\""')).toEqual({text: 'x: "y"'});
        expect(of('key:"still being typed')).toEqual({key: 'still being typed'});
    });
    it('takes keys with colons and slashes', () => expect(of('key:urn:a/b')).toEqual({key: 'urn:a/b'}));
    it('takes times from now', () => expect(of('from:-90m')).toEqual({from: '2026-03-10T10:30:00.000Z'}));
    it('takes RFC 3339', () => expect(of('to:2026-03-10T10:00:00+02:00')).toEqual({to: '2026-03-10T08:00:00.000Z'}));
    it('of nothing is nothing', () => expect(parse('  ', now)).toEqual({parameters: {}, faults: []}));
    it.each([
        ['colour:red', ['unknown_field']],
        ['type:a type:b', ['twice']],
        ['type:', ['no_value']],
        ['severity:9', ['bad_severity']],
        ['from:yesterday', ['bad_time']],
        ['state:lost', ['bad_choice']],
        ['from:2026-13-40', ['bad_time']],
    ])('says what is wrong with %s', (text, kinds) => expect(faults(text)).toEqual(kinds));
    it('says where', () => expect(parse('type:a colour:red', now).faults[0]).toMatchObject({at: 7, length: 10}));
    it('sets a field and takes it out', () => {
        expect(withField('type:a x', 'type', 'b c')).toBe('x type:"b c"');
        expect(withField('type:a x', 'type', undefined)).toBe('x');
        expect(withField('', 'severity', '4')).toBe('severity>=4');
        expect(of(withField('', 'key', 'say "hi" \\'))).toEqual({key: 'say "hi" \\'});
    });
    it('is total: whatever is typed, each sign belongs to a word', () => {
        let seed = 7;
        const next = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
        const signs = 'ab:"\\>= \tе_-ü';
        for (let i = 0; i < 2_000; ++i) {
            const text = Array.from({length: next(24)}, () => signs[next(signs.length)]).join('');
            expect(() => parse(text, now)).not.toThrow();
        }
    });
});

describe('completion', () => {
    const values = (field: string) => (field === 'region' ? ['eu', 'us'] : []);
    it('offers fields', () => expect(completions('re', 2, values)).toEqual({from: 0, options: ['region:']}));
    it('offers all where nothing is typed', () => expect(completions('type:a ', 7, values).options).toContain('key:'));
    it('does not offer what is there', () => expect(completions('type:a ', 7, values).options).not.toContain('type:'));
    it('offers a field\'s values', () => expect(completions('x region:e', 10, values)).toEqual({from: 2, options: ['region:eu']}));
    it('offers nothing where the value is whole', () => expect(completions('region:eu', 9, values).options).toEqual([]));
});

describe('an instant', () => {
    it.each(['-5x', 'tomorrow', '2026-3-1', ''])('is not %s', (text) => expect(instantOf(text, now)).toBeUndefined());
});
