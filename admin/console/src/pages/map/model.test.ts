import {describe, expect, it} from 'vitest';
import {layout} from '@/parts/graph/layout';
import {drawingOf, type Rule, type Workflow} from './model';

const counts = {anchored: 0, met: 0, late: 0, missed: 0, pending: 0, cancelled: 0, excused: 0, at_risk: 0, undetermined: 0, in_trouble: 0};
const rule = (from: string, to: string, more: Partial<Rule['counts']> = {}): Rule =>
    ({name: `${from} -> ${to}`, kind: 'edge', from, to, severity: 3, health: 'green', counts: {...counts, ...more}, oldest_trouble: null, next_due: null}) as Rule;
const workflow = (rules: Rule[], waiting = 0): Workflow =>
    ({name: 'w', version: 1, rules, stages: ['a', 'b', 'c'].map((name) => ({name, type: name, reached: 0, waiting, health: 'green'})), groups: [], ageing: []}) as unknown as Workflow;

describe('a drawing', () => {
    it('keeps the objects of what did not change', () => {
        const first = drawingOf(workflow([rule('a', 'b'), rule('b', 'c')]));
        expect(drawingOf(workflow([rule('a', 'b'), rule('b', 'c')]), first).boxes).toBe(first.boxes);
        const second = drawingOf(workflow([rule('a', 'b', {in_trouble: 2}), rule('b', 'c')]), first);
        expect(second.shape).toBe(first.shape);
        expect(second.arrows[1]).toBe(first.arrows[1]);
        expect(second.arrows[0]).not.toBe(first.arrows[0]);
        expect(second.boxes.find((b) => b.data.name === 'b')!.data.trouble).toBe(2);
        expect(second.boxes[0]).toBe(first.boxes[0]);
    });
    it('has rules on the clock as boxes, and no arrow into the void', () => {
        const drawing = drawingOf(workflow([{...rule('a', 'b'), name: 'by eight', kind: 'expected', next_due: '2026-03-09T08:00:00Z'} as Rule, rule('a', 'gone')]));
        expect(drawing.boxes.map((b) => b.id)).toContain('rule by eight');
        expect(drawing.arrows).toEqual([]);
    });
    it('stands upright where that shows it larger, and lies where it does not', () => {
        const chain = Array.from({length: 6}, (_, i) => ({id: String(i), width: 190, height: 76}));
        const arrows = [...Array.from({length: 5}, (_, i) => ({from: String(i), to: String(i + 1)})), {from: '0', to: '5'}];
        expect(layout(chain, arrows, {width: 800, height: 760}).down).toBe(true);
        expect(layout(chain, arrows, {width: 1_600, height: 500}).down).toBe(false);
        // What goes past boxes goes around them.
        const {places, routes} = layout(chain, arrows, {width: 1_600, height: 500});
        expect(routes[0]).toEqual([]);
        expect(routes[5]!.length).toBeGreaterThan(1);
        for (const at of routes[5]!)
            for (const {x, y} of places.values()) expect(at.x > x && at.x < x + 190 && at.y > y && at.y < y + 76).toBe(false);
    });
    it('of a thousand boxes has a place for each, none upon another', () => {
        const boxes = Array.from({length: 1_000}, (_, i) => ({id: String(i), width: 190, height: 76}));
        const arrows = Array.from({length: 999}, (_, i) => ({from: String(Math.floor(i / 2)), to: String(i + 1)}));
        const places = [...layout(boxes, arrows, {width: 800, height: 700}).places.values()];
        expect(places).toHaveLength(1_000);
        const sorted = places.sort((a, b) => a.x - b.x || a.y - b.y);
        for (let i = 1; i < sorted.length; ++i) if (sorted[i]!.x === sorted[i - 1]!.x) expect(sorted[i]!.y - sorted[i - 1]!.y).toBeGreaterThanOrEqual(76);
    });
});
