// Alerts: asked for, and what people say about them.
import {type QueryClient, useInfiniteQuery, useQuery} from '@tanstack/react-query';
import {api, getAddress, type ProblemError, type Schemas, unwrap} from '@/api/client';
import type {Level} from '@/parts/Badge';

export type Alert = Schemas['Alert'];
export type AlertStep = Schemas['AlertStep'];
export type AlertState = Alert['state'];
export const states: AlertState[] = ['firing', 'acked', 'pending', 'resolved'];

export const stateLevels: Record<AlertState, Level> = {firing: 'bad', acked: 'warn', pending: 'info', resolved: 'ok'};
export const isOpen = (alert: Alert): boolean => alert.state !== 'resolved';
export const ownerOf = (alert: Alert): string | undefined => alert.assignee || alert.acked_by || undefined;
/// Why nobody is told of it now.
export const heldBack = (alert: Alert): 'silenced' | 'maintenance' | 'inhibited' | 'flapping' | undefined =>
    alert.silence ? 'silenced' : alert.maintenance ? 'maintenance' : alert.inhibited_by ? 'inhibited' : alert.flapping ? 'flapping' : undefined;

export interface AlertFilter {
    state?: AlertState | undefined;
    severity_at_least?: number | undefined;
    tenant?: string | undefined;
    workflow?: string | undefined;
    group?: string | undefined;
}
interface AlertPage {
    items: Alert[];
    next: string | null;
}

const given = <T extends object>(filter: T): T => Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined && value !== '')) as T;

export function useAlerts(filter: AlertFilter) {
    return useInfiniteQuery({
        queryKey: ['alerts', 'list', given(filter)],
        queryFn: ({pageParam, signal}): Promise<AlertPage> =>
            pageParam ? getAddress<AlertPage>(pageParam, signal) : unwrap(api.GET('/api/v1/alerts', {signal, params: {query: {limit: 100, ...(given(filter) as object)}}})),
        initialPageParam: '',
        getNextPageParam: (last) => last.next,
        refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > 3 ? 20_000 : 3_000),
    });
}
export function useAlert(id: string | undefined) {
    return useQuery({
        queryKey: ['alerts', id],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/alerts/{id}', {signal, params: {path: {id: id!}}})),
        enabled: id !== undefined,
        refetchInterval: 3_000,
    });
}
export function alertsChanged(queries: QueryClient, now?: Alert): void {
    if (now) queries.setQueryData(['alerts', now.id], now);
    void queries.invalidateQueries({queryKey: ['alerts']});
}

const at = (alert: Alert) => ({params: {path: {id: alert.id}}});
export const ack = (alert: Alert, version = alert.version) => unwrap(api.POST('/api/v1/alerts/{id}/ack', {...at(alert), body: {version}}));
export const unack = (alert: Alert, version = alert.version) => unwrap(api.POST('/api/v1/alerts/{id}/unack', {...at(alert), body: {version}}));
export const assign = (alert: Alert, to: string, note: string, version = alert.version) =>
    unwrap(api.POST('/api/v1/alerts/{id}/assign', {...at(alert), body: {version, to, ...(note ? {note} : {})}}));
export const resolve = (alert: Alert, note: string, version = alert.version) => unwrap(api.POST('/api/v1/alerts/{id}/resolve', {...at(alert), body: {version, note}}));

/// What a 409 says has changed.
export interface Changed {
    version: number;
    state: AlertState;
    steps: AlertStep[];
}
export function changedOf(error: ProblemError): Changed | undefined {
    if (error.slug !== 'alert-changed') return undefined;
    const {version, state, changes} = error.problem as unknown as {version: number; state: AlertState; changes?: AlertStep[]};
    return {version, state, steps: changes ?? []};
}
