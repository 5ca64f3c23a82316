import {describe, expect, it} from 'vitest';
import type {EventSummary} from '@/api/stream';
import {type Feed, keptRows, take} from './feed';

const event = (seq: number): EventSummary => ({seq, received: '2026-01-01T00:00:00Z', tenant: 'default', region: 'us'});
const none: Feed = {rows: [], held: [], shown: 0, skipped: 0, resumedAt: undefined};
const seqs = (events: EventSummary[]) => events.map((e) => e.seq);

describe('the live feed', () => {
    it('has the newest first, whatever order they come in', () => {
        expect(seqs(take(none, [event(2), event(3), event(1)], 0, false).rows)).toEqual([3, 2, 1]);
    });
    it('shows each event once', () => {
        const first = take(none, [event(1), event(2)], 0, false);
        expect(seqs(take(first, [event(2), event(3)], 0, false).rows)).toEqual([3, 2, 1]);
    });
    it('holds back while it is paused, and lets it in afterwards in order', () => {
        let feed = take(none, [event(1)], 0, false);
        feed = take(feed, [event(2)], 4, true);
        feed = take(feed, [event(3)], 0, true);
        expect(seqs(feed.rows)).toEqual([1]);
        expect(seqs(feed.held)).toEqual([3, 2]);
        expect(feed.skipped).toBe(4);
        feed = take(feed, [event(4)], 0, false);
        expect(seqs(feed.rows)).toEqual([4, 3, 2, 1]);
        expect(feed.held).toEqual([]);
    });
    it('does not grow without bound', () => {
        const many = Array.from({length: keptRows + 50}, (_, i) => event(i + 1));
        const feed = take(none, many, 0, false);
        expect(feed.rows.length).toBe(keptRows);
        expect(feed.rows[0]?.seq).toBe(keptRows + 50);
        expect(take(none, many, 0, true).held.length).toBe(keptRows);
    });
    it('says where a gap in the connection was', () => {
        const before = take(none, [event(1)], 0, false);
        expect(take(before, [event(7), event(8)], 5, false, true).resumedAt).toBe(7);
    });
});
