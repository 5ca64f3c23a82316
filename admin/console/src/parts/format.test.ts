import {describe, expect, it} from 'vitest';
import {bytes, clockTime, count, micros, short, span} from './format';

describe('a span', () => {
    it.each([
        [0, '0 ms'],
        [0.4, '0.4 ms'],
        [999, '999 ms'],
        [1_500, '1.5 s'],
        [59_999, '59 s'],
        [60_000, '1 min'],
        [125_000, '2 min 5 s'],
        [3_600_000, '1 h'],
        [7_500_000, '2 h 5 min'],
        [90_000_000, '1 d 1 h'],
        [-2_000, '−2 s'],
        [null, '–'],
    ])('of %s ms is %s', (ms, shown) => expect(span(ms)).toBe(shown));
});

describe('a figure', () => {
    it.each([
        [0, '0'],
        [9_999, '9,999'],
        [12_345, '12.3K'],
        [4.25, '4.3'],
        [undefined, '–'],
    ])('%s is shortened to %s', (value, shown) => expect(short(value)).toBe(shown));
    it('is whole where it is counted', () => expect(count(1_234_567)).toBe('1,234,567'));
    it('of bytes has a unit', () => expect(bytes(1_500_000)).toBe('1.5 MB'));
    it('of microseconds grows into milliseconds', () => {
        expect(micros(950)).toBe('950 µs');
        expect(micros(2_500)).toBe('2.5 ms');
    });
});

describe('a time', () => {
    const now = new Date('2026-03-10T12:00:00Z');
    it('of today has no date', () => expect(clockTime(new Date('2026-03-10T08:05:09Z'), 'UTC', now)).toBe('08:05:09'));
    it('is of the zone asked for', () => expect(clockTime(new Date('2026-03-10T08:05:09Z'), 'America/New_York', now)).toBe('04:05:09'));
    it('has the date where the zone is in another day', () =>
        expect(clockTime(new Date('2026-03-10T02:00:00Z'), 'America/New_York', now)).toContain('9'));
});
