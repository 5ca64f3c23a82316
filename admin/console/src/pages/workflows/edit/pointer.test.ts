import {jsonLanguage} from '@codemirror/lang-json';
import {describe, expect, it} from 'vitest';
import {placeOf} from './pointer';

const text = '{"a": [1, {"b/c": "x"}], "edges": [{"from": "p"}]}';
const at = (pointer: string) => {
    const {from, to} = placeOf(jsonLanguage.parser.parse(text), (a, b) => text.slice(a, b), pointer);
    return text.slice(from, to);
};

describe('a pointer', () => {
    it('leads to the value, or the name of what is larger', () => {
        expect(at('/a/0')).toBe('1');
        expect(at('/a/1/b~1c')).toBe('"x"');
        expect(at('/edges')).toBe('"edges"');
        expect(at('/edges/0')).toBe('{');
    });
    it('leads as far as it goes', () => {
        expect(at('/edges/0/within')).toBe('{');
        expect(at('/edges/7/from')).toBe('"edges"');
        expect(at('/nothing')).toBe('{');
        expect(at('/')).toBe('{');
    });
});
