// What the live feed shows. Without filters it is the stream's sample; with filters the hot log is asked for what
// matches, so that nothing of it is left out but what exceeds a page.
import {useEffect, useRef, useState} from 'react';
import {getAddress, type Schemas} from '@/api/client';
import {type EventSummary, whenEventsArrive} from '@/api/stream';

export const keptRows = 2_000;
const askEveryMs = 1_000;
const pageSize = 200;

export interface Filters {
    subject?: string;
    type?: string;
    region?: string;
    tenant?: string;
}
export interface Feed {
    /// Newest first.
    rows: EventSummary[];
    /// Came while it was paused.
    held: EventSummary[];
    shown: number;
    skipped: number;
    /// A gap in the connection lies below this row.
    resumedAt: number | undefined;
}
const empty: Feed = {rows: [], held: [], shown: 0, skipped: 0, resumedAt: undefined};

function summaryOf(stored: Schemas['StoredEvent']): EventSummary {
    const {event, ...rest} = stored;
    return {...rest, ...(event ? {id: event.id, source: event.source, type: event.type, subject: event.subject, time: event.time, severity: event.severity} : {})} as EventSummary;
}

export function take(feed: Feed, events: EventSummary[], skipped: number, paused: boolean, resumed = false): Feed {
    const newest = Math.max(feed.rows[0]?.seq ?? 0, feed.held[0]?.seq ?? 0);
    const fresh = events.filter((e) => e.seq > newest).sort((a, b) => b.seq - a.seq);
    const counts = {shown: feed.shown + fresh.length, skipped: feed.skipped + skipped};
    if (paused) return {...feed, ...counts, held: [...fresh, ...feed.held].slice(0, keptRows)};
    const rows = [...fresh, ...feed.held, ...feed.rows].slice(0, keptRows);
    return {...feed, ...counts, held: [], rows, resumedAt: resumed ? fresh[fresh.length - 1]?.seq : feed.resumedAt};
}

export function useFeed(filters: Filters, paused: boolean): Feed {
    const [feed, setFeed] = useState(empty);
    const isPaused = useRef(paused);
    isPaused.current = paused;
    const query = new URLSearchParams(Object.entries(filters).filter((entry): entry is [string, string] => !!entry[1])).toString();

    useEffect(() => {
        setFeed(empty);
        if (query === '')
            return whenEventsArrive(({events, skipped, resumed}) => setFeed((before) => take(before, events, skipped, isPaused.current, resumed)));
        const ended = new AbortController();
        let timer: ReturnType<typeof setTimeout>;
        const ask = async () => {
            try {
                const page = await getAddress<{items: Schemas['StoredEvent'][]}>(`/api/v1/events?${query}&limit=${pageSize}`, ended.signal);
                setFeed((before) => take(before, page.items.map(summaryOf), 0, isPaused.current));
            } catch {
                // The banner says that the appliance does not answer; the next second asks again.
            }
            if (!ended.signal.aborted) timer = setTimeout(() => void ask(), askEveryMs);
        };
        void ask();
        return () => {
            ended.abort();
            clearTimeout(timer);
        };
    }, [query]);
    // What was held comes in at once.
    useEffect(() => {
        if (!paused) setFeed((before) => (before.held.length > 0 ? take(before, [], 0, false) : before));
    }, [paused]);
    return feed;
}
