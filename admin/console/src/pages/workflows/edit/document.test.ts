import {describe, expect, it} from 'vitest';
import {folded} from '../folded';
import {addEdge, addStage, changeEdge, changeStage, type Document, parseDocument, pretty, removeStage, stagesOf, template, withinOf} from './document';

const orders: Document = {
    name: 'orders', key: 'subject',
    stages: [{name: 'a', type: 'x'}, {name: 'b', type: 'y', join: ['a']}],
    edges: [{from: 'a', to: 'b', within_ms: 5000, escalation: 'night'}],
};

describe('a document', () => {
    it('keeps what the editor does not know', () => {
        expect(changeEdge(orders, 0, {within: '10s'}).edges).toEqual([{from: 'a', to: 'b', within: '10s', escalation: 'night'}]);
        expect(orders.edges![0]!.within_ms).toBe(5000);
    });
    it('renames a stage wherever it is named', () => {
        const changed = changeStage(orders, 'a', {name: 'first'});
        expect(changed.stages).toEqual([{name: 'first', type: 'x'}, {name: 'b', type: 'y', join: ['first']}]);
        expect(changed.edges![0]!.from).toBe('first');
    });
    it('takes the edges of a removed stage along', () => {
        expect(removeStage(orders, 'b')).toMatchObject({stages: [{name: 'a'}], edges: []});
    });
    it('joins two stages once, and finds a free name', () => {
        expect(addEdge(orders, 'a', 'b').edges).toHaveLength(1);
        expect(addEdge(orders, 'b', 'a').edges).toHaveLength(2);
        expect(addStage(addStage(orders).document).name).toBe('stage 2');
    });
    it('has stages in the short form too, which become its own when one is added', () => {
        const short: Document = {name: 's', edges: [{from: 'a', to: 'b', within_ms: 1}]};
        expect(stagesOf(short).map((s) => s.name)).toEqual(['a', 'b']);
        expect(withinOf(short.edges![0]!)).toBe('1ms');
        expect(addStage(short).document.stages).toEqual([{name: 'a', type: 'a'}, {name: 'b', type: 'b'}, {name: 'stage', type: 'stage'}]);
    });
    it('is written so that it reads back the same', () => {
        for (const value of [orders, {}, {a: [], b: {}, c: [1, 'x', null], d: {e: 'f'.repeat(200)}}]) expect(JSON.parse(pretty(value))).toEqual(value);
        expect(pretty(orders)).toContain('  "edges": [\n    {"from": "a", "to": "b"');
        expect(parseDocument(template)).toBeDefined();
        expect(parseDocument('[]')).toBeUndefined();
        expect(parseDocument('{"name":')).toBeUndefined();
    });
    it('with members of the wrong kind does no harm', () => {
        expect(stagesOf({stages: [3, {name: 'a'}] as never})).toEqual([{name: 'a'}]);
        expect(stagesOf({edges: 'no' as never})).toEqual([]);
    });
});

describe('a difference', () => {
    it('hides what is far from every change', () => {
        const lines = Array.from({length: 20}, (_, i) => ({op: i === 10 ? ('added' as const) : ('same' as const), text: String(i)}));
        const parts = folded(lines);
        expect(parts[0]).toEqual({hidden: 7});
        expect(parts[parts.length - 1]).toEqual({hidden: 6});
        expect(parts).toHaveLength(9);
    });
});
