// What the overview and the wall ask for beside the stream.
import {useQuery} from '@tanstack/react-query';
import {api, type Schemas, unwrap} from '@/api/client';

export type Alert = Schemas['Alert'];
export type WorkflowSummary = Schemas['WorkflowSummary'];

/// Alerts that are not over, the worst first.
export function useTroubles(limit = 100) {
    return useQuery({
        queryKey: ['alerts', 'troubles', limit],
        queryFn: async ({signal}) => {
            const of = (state: 'firing' | 'acked') =>
                unwrap(api.GET('/api/v1/alerts', {params: {query: {state, limit}}, signal}));
            const [firing, acked] = await Promise.all([of('firing'), of('acked')]);
            const rank = (alert: Alert) => (alert.state === 'firing' ? 10 : 0) + alert.severity;
            return [...firing.items, ...acked.items].sort((a, b) => rank(b) - rank(a) || b.open - a.open);
        },
        refetchInterval: 3_000,
    });
}

export function useWorkflows() {
    return useQuery({
        queryKey: ['workflows'],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/workflows', {signal})),
        refetchInterval: 5_000,
    });
}

export interface Lateness {
    times: number[];
    missed: number[];
    late: number[];
}
/// Of all workflows that run, a point a minute.
export function useLateness(names: string[]) {
    return useQuery({
        queryKey: ['lateness', names],
        enabled: names.length > 0,
        refetchInterval: 20_000,
        queryFn: async ({signal}): Promise<Lateness> => {
            const all = await Promise.all(
                names.map((name) => unwrap(api.GET('/api/v1/workflows/{name}/series', {params: {path: {name}, query: {resolution: 'minute'}}, signal}))),
            );
            const minutes = new Map<number, {missed: number; late: number}>();
            const now = Math.floor(Date.now() / 60_000) * 60;
            for (let i = 59; i >= 0; --i) minutes.set(now - i * 60, {missed: 0, late: 0});
            for (const series of all)
                for (const point of series.points) {
                    const at = Math.floor(Date.parse(point.start) / 1_000);
                    const minute = minutes.get(at);
                    if (!minute) continue;
                    minute.missed += point.missed;
                    minute.late += point.late;
                }
            return {
                times: [...minutes.keys()],
                missed: [...minutes.values()].map((m) => m.missed),
                late: [...minutes.values()].map((m) => m.late),
            };
        },
    });
}

export function useReviewSummary() {
    return useQuery({
        queryKey: ['review', 'summary'],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/review/summary', {signal})),
        refetchInterval: 5_000,
    });
}
