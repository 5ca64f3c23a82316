import {describe, expect, it} from 'vitest';
import {pressOf} from './shortcuts';

const press = (key: string, more: KeyboardEventInit = {}) => pressOf(new KeyboardEvent('keydown', {key, ...more}));

describe('a key press', () => {
    it('is named by its key', () => expect(press('J')).toBe('j'));
    it('has its modifiers in front', () => expect(press('k', {ctrlKey: true})).toBe('mod+k'));
    it('of a sign that needs shift is the sign', () => expect(press('?', {shiftKey: true})).toBe('?'));
    it('of a named key tells shift', () => expect(press('Enter', {shiftKey: true})).toBe('shift+enter'));
    it('of a modifier alone is none', () => expect(press('Shift')).toBe(''));
});
