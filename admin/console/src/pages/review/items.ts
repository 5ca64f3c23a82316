// Review items: what is asked for, who may do what with one, and what is done with it.
import {type InfiniteData, keepPreviousData, type QueryClient, useInfiniteQuery, useQuery} from '@tanstack/react-query';
import {api, getAddress, type Schemas, unwrap} from '@/api/client';
import {type Me, reaches} from '@/app/session';
import type {Level} from '@/parts/Badge';

export type Item = Schemas['ReviewItem'];
export type Step = NonNullable<Item['history']>[number];
export type Result = Schemas['ReviewResult'];
export type Decision = 'approved' | 'rejected';
export type View = 'mine' | 'team' | 'escalated' | 'over' | 'people';
export interface ItemPage {
    items: Item[];
    next: string | null;
}
export interface ItemFilter {
    queue?: string | undefined;
    region?: string | undefined;
    state?: string | undefined;
}

export const worksOnItems = (me: Me): boolean => me.kind === 'user' && (me.role === 'operator' || me.role === 'supervisor');
export const isMine = (item: Item, me: Me): boolean => item.holder_id !== undefined && item.holder_id === me.user;
export const isOver = (item: Item): boolean => item.state === 'approved' || item.state === 'rejected' || item.state === 'expired';
/// A lease of somebody else.
export const isLocked = (item: Item, me: Me): boolean => item.state === 'in_review' && !isMine(item, me);
export const mayDecide = (item: Item, me: Me): boolean =>
    !isOver(item) && reaches(me.role, 'operator') && (isMine(item, me) || (reaches(me.role, 'supervisor') && item.state !== 'in_review'));
export const mayTake = (item: Item, me: Me): boolean =>
    worksOnItems(me) && (item.state === 'queued' || item.state === 'returned') && (!item.escalated || me.role === 'supervisor');

export function stateLevel(item: Pick<Item, 'state' | 'overdue'>): Level {
    if (item.state === 'approved') return 'ok';
    if (item.state === 'rejected' || item.state === 'expired') return 'bad';
    if (item.overdue) return 'warn';
    return item.state === 'in_review' ? 'info' : 'none';
}
/// What a table's stripe says: late is bad, begun is a note.
export function rowLevel(item: Item): 'bad' | 'info' | undefined {
    return !isOver(item) && item.overdue ? 'bad' : item.state === 'in_review' ? 'info' : undefined;
}

type ItemQuery = {state?: Item['state'] | 'open'; holder?: string; escalated?: 'true'; queue?: string; region?: string; limit: number};
export function queryOf(view: View, filter: ItemFilter, limit = 100): ItemQuery {
    const query: ItemQuery = {limit};
    if (filter.queue) query.queue = filter.queue;
    if (filter.region) query.region = filter.region;
    if (view === 'mine') query.holder = 'me';
    if (view === 'escalated') query.escalated = 'true';
    if (view === 'over') query.state = (filter.state as Item['state'] | undefined) ?? 'approved';
    return query;
}
const itemsKey = (view: View, filter: ItemFilter) => ['review', 'items', view, filter.queue ?? '', filter.region ?? '', view === 'over' ? (filter.state ?? '') : ''];

const pagesRefreshedOften = 3;
export function useItems(view: View, filter: ItemFilter) {
    return useInfiniteQuery({
        queryKey: itemsKey(view, filter),
        queryFn: ({pageParam, signal}): Promise<ItemPage> =>
            pageParam ? getAddress<ItemPage>(pageParam, signal) : unwrap(api.GET('/api/v1/review/items', {signal, params: {query: queryOf(view, filter)}})),
        initialPageParam: '',
        getNextPageParam: (last) => last.next,
        enabled: view !== 'people',
        placeholderData: keepPreviousData,
        refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) > pagesRefreshedOften ? 20_000 : view === 'mine' ? 2_000 : 4_000),
    });
}
/// All that match, page by page.
export async function fetchAllItems(view: View, filter: ItemFilter, signal?: AbortSignal): Promise<Item[]> {
    const all: Item[] = [];
    let page: ItemPage = await unwrap(api.GET('/api/v1/review/items', {params: {query: queryOf(view, filter, 500)}, ...(signal ? {signal} : {})}));
    for (;;) {
        all.push(...page.items);
        if (!page.next) return all;
        page = await getAddress<ItemPage>(page.next, signal);
    }
}
export function useItem(id: number | undefined) {
    return useQuery({
        queryKey: ['review', 'item', id],
        queryFn: ({signal}) => fetchItem(id!, signal),
        enabled: id !== undefined,
        refetchInterval: 3_000,
    });
}
export function fetchItem(id: number, signal?: AbortSignal): Promise<Item> {
    return unwrap(api.GET('/api/v1/review/items/{id}', {params: {path: {id}}, ...(signal ? {signal} : {})}));
}
export function useSummary() {
    return useQuery({
        queryKey: ['review', 'summary'],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/review/summary', {signal})),
        refetchInterval: 4_000,
    });
}

/// What a command names: the claim's fence, or the version that was seen.
export const grip = (item: Item): {fence: number} | {version: number} =>
    item.state === 'in_review' && item.fence !== undefined ? {fence: item.fence} : {version: item.version};

export const claim = (item: Item): Promise<Result> =>
    unwrap(api.POST('/api/v1/review/items/{id}/claim', {params: {path: {id: item.id}}, body: {version: item.version}}));
export const renew = (item: Item): Promise<Result> =>
    unwrap(api.POST('/api/v1/review/items/{id}/renew', {params: {path: {id: item.id}}, body: grip(item)}));
export const release = (item: Item): Promise<Result> =>
    unwrap(api.POST('/api/v1/review/items/{id}/release', {params: {path: {id: item.id}}, body: grip(item)}));
export const escalate = (item: Item, reason: string): Promise<Result> =>
    unwrap(api.POST('/api/v1/review/items/{id}/escalate', {params: {path: {id: item.id}}, body: {...grip(item), reason}}));
export const decide = (item: Item, decision: Decision, reason: string): Promise<Result> =>
    unwrap(api.POST('/api/v1/review/items/{id}/decide', {params: {path: {id: item.id}}, body: {...grip(item), decision, ...(reason ? {reason} : {})}}));
export const reassign = (item: Item, to: string, reason: string): Promise<Result> =>
    unwrap(api.POST('/api/v1/review/items/{id}/reassign', {params: {path: {id: item.id}}, body: {version: item.version, to, ...(reason ? {reason} : {})}}));
export const undo = (id: number, version: number, reason: string): Promise<Result> =>
    unwrap(api.POST('/api/v1/review/items/{id}/undo', {params: {path: {id}}, body: {version, reason}}));

/// At once, before the next answer of the list says so.
export function takeOut(queries: QueryClient, ids: readonly number[]): void {
    queries.setQueriesData<InfiniteData<ItemPage>>({queryKey: ['review', 'items']}, (data) =>
        data ? {...data, pages: data.pages.map((page) => ({...page, items: page.items.filter((item) => !ids.includes(item.id))}))} : data,
    );
}
export function itemsChanged(queries: QueryClient): void {
    void queries.invalidateQueries({queryKey: ['review']});
}
