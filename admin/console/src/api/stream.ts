// The live stream: snapshots twice a second over a WebSocket. After a gap it asks for what came in since the last
// event that it saw. What it holds is live only while messages come; pages show the rest greyed, with its time.
import {create} from 'zustand';
import {getAddress, type Schemas} from './client';

export type Status = Schemas['Status'];
export type EventSummary = Schemas['EventSummary'];
export type Assigned = Schemas['AssignedMessage'];
type Message = Schemas['StreamMessage'];
export interface TrendPoint {
    at: number;
    received: number;
    stored: number;
    refused: number;
    /// Events that wait for their regions; not known of the time before this page was open.
    waiting?: number;
}

/// Hears what the appliance says until it is stopped.
export interface Feed {
    start(): void;
    stop(): void;
    tryNow(): void;
}

/// connecting: for the first time; late: the connection is there, but nothing comes; lost: it is gone.
export type Link = 'connecting' | 'live' | 'late' | 'lost' | 'ended';

interface LiveState {
    link: Link;
    status: Status | undefined;
    /// When the last message came, by this browser's clock.
    heardAt: number | undefined;
    /// What the appliance's clock is ahead of this browser's.
    aheadMs: number;
    trend: TrendPoint[];
    nextTryAt: number | undefined;
}

const trendSeconds = 300;
const lateAfterMs = 3_000;
const triesMs = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

export const useLive = create<LiveState>(() => ({
    link: 'connecting',
    status: undefined,
    heardAt: undefined,
    aheadMs: 0,
    trend: [],
    nextTryAt: undefined,
}));

export interface Arrivals {
    events: EventSummary[];
    /// Others that came in and are not shown.
    skipped: number;
    /// Behind a gap in the connection.
    resumed: boolean;
}
const onAssigned = new Set<(items: Assigned['items']) => void>();
/// Tells what this user was given to review.
export function whenAssigned(listener: (items: Assigned['items']) => void): () => void {
    onAssigned.add(listener);
    return () => onAssigned.delete(listener);
}
const onArrivals = new Set<(arrivals: Arrivals) => void>();
export function whenEventsArrive(listener: (arrivals: Arrivals) => void): () => void {
    onArrivals.add(listener);
    return () => onArrivals.delete(listener);
}

function withPoint(trend: TrendPoint[], status: Status): TrendPoint[] {
    const at = Math.floor(Date.parse(status.sampled) / 1000);
    if (trend.length > 0 && trend[trend.length - 1]!.at >= at) return trend;
    const point = {
        at,
        received: status.events?.received_per_second ?? 0,
        stored: status.events?.stored_per_second ?? 0,
        refused: status.events?.dead_letters_per_second ?? 0,
        waiting: status.regions.reduce((sum, r) => sum + (r.waiting ?? 0), 0),
    };
    return [...trend.filter((p) => p.at > at - trendSeconds), point];
}

function heard(status: Status, trend: TrendPoint[]): void {
    const now = Date.now();
    useLive.setState({
        link: 'live',
        status,
        heardAt: now,
        aheadMs: Date.parse(status.now) - now,
        trend: withPoint(trend, status),
        nextTryAt: undefined,
    });
}

export class LiveStream implements Feed {
    private socket: WebSocket | undefined;
    private tries = 0;
    private tryTimer: ReturnType<typeof setTimeout> | undefined;
    private lateTimer: ReturnType<typeof setTimeout> | undefined;
    private lastSeq = 0;
    private build: string | undefined;

    /// `onEnded`: the session is over. `onNewBuild`: the appliance now carries another console.
    constructor(
        private readonly onEnded: () => void,
        private readonly onNewBuild: () => void,
    ) {}

    start(): void {
        window.addEventListener('online', this.tryNow);
        document.addEventListener('visibilitychange', this.whenVisible);
        this.connect();
    }
    stop(): void {
        window.removeEventListener('online', this.tryNow);
        document.removeEventListener('visibilitychange', this.whenVisible);
        clearTimeout(this.tryTimer);
        clearTimeout(this.lateTimer);
        const socket = this.socket;
        this.socket = undefined;
        socket?.close();
    }
    tryNow = (): void => {
        if (this.socket) return;
        clearTimeout(this.tryTimer);
        this.connect();
    };
    private whenVisible = (): void => {
        if (document.visibilityState === 'visible') this.tryNow();
    };

    private connect(): void {
        const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
        const since = this.lastSeq > 0 ? `?since=${this.lastSeq}` : '';
        const socket = new WebSocket(`${scheme}://${location.host}/api/v1/ws${since}`);
        this.socket = socket;
        socket.onmessage = (message: MessageEvent<string>) => {
            if (this.socket === socket) this.take(JSON.parse(message.data) as Message | Assigned);
        };
        socket.onclose = (event) => {
            if (this.socket !== socket) return;
            this.socket = undefined;
            clearTimeout(this.lateTimer);
            if (event.code === 1008) {
                useLive.setState({link: 'ended'});
                this.onEnded();
                return;
            }
            const wait = triesMs[Math.min(this.tries, triesMs.length - 1)]! * (0.8 + Math.random() * 0.4);
            this.tries += 1;
            if (useLive.getState().status || this.tries > 1) useLive.setState({link: 'lost', nextTryAt: Date.now() + wait});
            this.tryTimer = setTimeout(() => this.connect(), wait);
        };
    }

    private take(message: Message | Assigned): void {
        if (message.kind === 'assigned') return onAssigned.forEach((listener) => listener(message.items));
        const {status} = message;
        this.tries = 0;
        clearTimeout(this.lateTimer);
        this.lateTimer = setTimeout(() => useLive.setState({link: 'late'}), lateAfterMs);
        const resumed = message.kind === 'hello' && this.lastSeq > 0;
        const before = useLive.getState();
        let trend = before.trend;
        if (message.trend?.points)
            trend = message.trend.points.map((p) => {
                const [at, received, stored, refused] = p as number[];
                return {at: at ?? 0, received: received ?? 0, stored: stored ?? 0, refused: refused ?? 0};
            });
        heard(status, trend);
        const fresh = message.events.filter((e) => e.seq > this.lastSeq);
        for (const event of fresh) this.lastSeq = Math.max(this.lastSeq, event.seq);
        const arrivals = {events: fresh, skipped: message.events_skipped, resumed};
        if (fresh.length > 0 || message.events_skipped > 0) onArrivals.forEach((listener) => listener(arrivals));
        if (this.build !== undefined && status.build !== this.build) this.onNewBuild();
        this.build = status.build;
    }
}

const askEveryMs = 1_000;

/// For who asks by a key, which a browser cannot send with a WebSocket: the same snapshot once a second.
export class PolledStatus implements Feed {
    private timer: ReturnType<typeof setTimeout> | undefined;
    private readonly ended = new AbortController();
    private build: string | undefined;

    constructor(private readonly onNewBuild: () => void) {}

    start(): void {
        void this.ask();
    }
    stop(): void {
        this.ended.abort();
        clearTimeout(this.timer);
    }
    tryNow = (): void => {
        clearTimeout(this.timer);
        void this.ask();
    };
    private async ask(): Promise<void> {
        try {
            const status = await getAddress<Status>('/api/v1/status', AbortSignal.any([this.ended.signal, AbortSignal.timeout(lateAfterMs)]));
            heard(status, useLive.getState().trend);
            if (this.build !== undefined && status.build !== this.build) this.onNewBuild();
            this.build = status.build;
        } catch {
            if (useLive.getState().status) useLive.setState({link: 'lost', nextTryAt: Date.now() + askEveryMs});
        }
        if (!this.ended.signal.aborted) this.timer = setTimeout(() => void this.ask(), askEveryMs);
    }
}
