// What one does at the desk: begin, decide, go on to the next, undo; and what became of it.
import {useQueryClient} from '@tanstack/react-query';
import {useCallback, useState} from 'react';
import {create} from 'zustand';
import {ProblemError} from '@/api/client';
import {useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {done, refused} from '@/parts/toast';
import {claim, decide, type Decision, fetchItem, isMine, type Item, itemsChanged, type Result, takeOut, undo} from './items';
import {texts} from './texts';

/// What was typed for an item; kept while it is on the desk, whatever is refused.
interface Draft {
    rejecting: boolean;
    text: string;
}
export const useDrafts = create<{of: Record<number, Draft>}>(() => ({of: {}}));
export const setDraft = (id: number, draft: Draft): void => useDrafts.setState(({of}) => ({of: {...of, [id]: draft}}));
const dropDraft = (id: number): void =>
    useDrafts.setState(({of}) => {
        const {[id]: _gone, ...rest} = of;
        return {of: rest};
    });

export interface Conflict {
    seen: Item;
    error: ProblemError;
}
export interface LastDecision {
    id: number;
    version: number;
    decision: Decision;
    until: string | undefined;
}

export function useDesk(items: readonly Item[], show: (id: number | undefined) => void) {
    const me = useMe();
    const queries = useQueryClient();
    const t = useTexts(texts);
    const [busy, setBusy] = useState(false);
    const [conflict, setConflict] = useState<Conflict | undefined>();
    const [last, setLast] = useState<LastDecision | undefined>();

    const run = useCallback(
        async (item: Item, work: () => Promise<void>): Promise<void> => {
            setBusy(true);
            try {
                await work();
                setConflict(undefined);
            } catch (error) {
                if (error instanceof ProblemError && error.status === 409) setConflict({seen: item, error});
                else refused(error);
            }
            setBusy(false);
            itemsChanged(queries);
        },
        [queries],
    );
    const begin = useCallback(
        (item: Item) =>
            run(item, async () => {
                const result = await claim(item);
                queries.setQueryData<Item>(['review', 'item', item.id], (old) => ({...(old ?? item), ...behind(result), holder: me.name, ...(me.user === undefined ? {} : {holder_id: me.user})}));
            }),
        [run, queries, me],
    );
    /// Opening what one has begins it.
    const open = useCallback(
        (item: Item) => {
            show(item.id);
            if (isMine(item, me) && item.state === 'assigned') void begin(item);
        },
        [show, begin, me],
    );
    const next = useCallback(
        (after: number): void => {
            const at = items.findIndex((item) => item.id === after);
            const rest = items.filter((item) => item.id !== after);
            const following = rest[Math.min(Math.max(at, 0), rest.length - 1)];
            if (following) open(following);
            else show(undefined);
        },
        [items, open, show],
    );
    const settle = useCallback(
        (item: Item, decision: Decision, reason: string) =>
            run(item, async () => {
                const result = await decide(item, decision, reason);
                dropDraft(item.id);
                setLast({id: item.id, version: result.version, decision, until: undefined});
                next(item.id);
                takeOut(queries, [item.id]);
                const {undo_until: until} = await fetchItem(item.id);
                setLast((now) => (now?.id === item.id ? {...now, until} : now));
            }),
        [run, next, queries],
    );
    const takeBack = useCallback(
        (id: number, version: number) =>
            run({id, version} as Item, async () => {
                await undo(id, version, t('undo_reason'));
                setLast(undefined);
                done(t('undone'));
                show(id);
            }),
        [run, show, t],
    );
    return {busy, conflict, setConflict, last, setLast, begin, open, next, settle, takeBack, run};
}
export type Desk = ReturnType<typeof useDesk>;

/// An item's members as a command's answer has them.
function behind(result: Result): Partial<Item> {
    return {
        state: result.state as Item['state'],
        version: result.version,
        ...(result.fence === undefined ? {} : {fence: result.fence}),
        ...(result.lease_until === undefined ? {} : {lease_until: result.lease_until}),
    };
}
