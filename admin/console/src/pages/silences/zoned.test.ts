import {describe, expect, it} from 'vitest';
import {instantOf, localOf} from './zoned';

const utc = (local: string, zone: string) => instantOf(local, zone)?.toISOString();

describe('a local time', () => {
    it('is of its zone', () => {
        expect(utc('2026-01-15T08:00', 'America/New_York')).toBe('2026-01-15T13:00:00.000Z');
        expect(utc('2026-07-15T08:00', 'America/New_York')).toBe('2026-07-15T12:00:00.000Z');
        expect(utc('2026-07-15T08:00', 'Asia/Kolkata')).toBe('2026-07-15T02:30:00.000Z');
        expect(utc('', 'UTC')).toBeUndefined();
    });
    it('that comes twice is the first, and one that does not exist is behind the gap', () => {
        expect(utc('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z');
        expect(utc('2026-03-29T02:30', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z');
    });
    it('comes back as it was typed', () => {
        for (const zone of ['UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns'])
            expect(localOf(instantOf('2026-05-04T23:45', zone)!, zone)).toBe('2026-05-04T23:45');
    });
});
