// What people decide: my queue and the team's on the left, the item on the right. Keys do all of it.
import {Button, SegmentedControl} from '@mantine/core';
import {IconUser, IconUserOff} from '@tabler/icons-react';
import {useQueryClient} from '@tanstack/react-query';
import {useCallback, useMemo, useState} from 'react';
import {useLocation, useParams, useSearch} from 'wouter';
import {api, unwrap} from '@/api/client';
import {useAddress} from '@/app/address';
import {useNow} from '@/app/clock';
import {useMay, useMe} from '@/app/session';
import {defineAction, useShortcut} from '@/app/shortcuts';
import {useTexts} from '@/i18n';
import {span} from '@/parts/format';
import {type Filter, FilterBar} from '@/parts/FilterBar';
import {Page, Panel} from '@/parts/Page';
import {Trouble} from '@/parts/States';
import {refused} from '@/parts/toast';
import {Batch, type BatchKind} from './Batch';
import {type Desk, useDesk} from './desk';
import {ItemPanel} from './ItemPanel';
import {fetchAllItems, type Item, useItems, useSummary, type View, worksOnItems} from './items';
import {Operators} from './Operators';
import {Queue} from './Queue';
import css from './review.module.css';
import {texts} from './texts';

defineAction('review.next', 'j', texts, 'key_next');
defineAction('review.previous', 'k', texts, 'key_previous');
defineAction('review.begin', 'o', texts, 'key_begin');
defineAction('review.select', 'x', texts, 'key_select');
defineAction('review.approve', 'a', texts, 'key_approve');
defineAction('review.reject', 'r', texts, 'key_reject');
defineAction('review.undo', 'u', texts, 'key_undo');
defineAction('review.escalate', 'e', texts, 'key_escalate');
defineAction('review.release', 'b', texts, 'key_release');

const names = ['view', 'queue', 'region', 'state'] as const;
const none: ReadonlySet<number> = new Set();

function UndoBar({desk}: {desk: Desk}) {
    const t = useTexts(texts);
    const now = useNow(1_000);
    const {last} = desk;
    const left = last?.until ? Date.parse(last.until) - now : 0;
    useShortcut('review.undo', () => last && void desk.takeBack(last.id, last.version), left > 0 && !desk.busy);
    if (!last || left <= 0) return null;
    return (
        <div className={css.undo} role="status">
            <span>{t(last.decision === 'approved' ? 'was_approved' : 'was_rejected', {id: last.id})}</span>
            <Button variant="subtle" loading={desk.busy} onClick={() => void desk.takeBack(last.id, last.version)}>{t('undo_left', {span: span(Math.ceil(left / 1000) * 1000)})}</Button>
        </div>
    );
}

function Presence() {
    const t = useTexts(texts);
    const me = useMe();
    const queries = useQueryClient();
    const summary = useSummary();
    const here = summary.data?.operators.find((o) => o.user === me.user)?.active ?? me.active ?? true;
    const change = async () => {
        const asked = {params: {path: {user: me.name}}};
        try {
            await unwrap(here ? api.DELETE('/api/v1/users/{user}/active', asked) : api.POST('/api/v1/users/{user}/active', asked));
        } catch (error) {
            refused(error);
        }
        void queries.invalidateQueries({queryKey: ['review']});
    };
    return <Button leftSection={here ? <IconUserOff size={15} /> : <IconUser size={15} />} onClick={() => void change()}>{t(here ? 'away' : 'here')}</Button>;
}

export default function ReviewPage() {
    const t = useTexts(texts);
    const me = useMe();
    const works = worksOnItems(me);
    const supervises = useMay('supervisor');
    const params = useParams<{id?: string}>();
    const id = params.id && /^\d+$/.test(params.id) ? Number(params.id) : undefined;
    const search = useSearch();
    const [, go] = useLocation();
    const [address, setAddress] = useAddress(names);
    const views: View[] = [...(works ? (['mine'] as const) : []), 'team', ...(supervises ? (['escalated'] as const) : []), 'over', 'people'];
    const view = views.find((v) => v === address.view) ?? views[0]!;
    const filter = useMemo(() => ({queue: address.queue, region: address.region, state: address.state}), [address]);
    const list = useItems(view, filter);
    const items = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
    const summary = useSummary();
    const away = summary.data?.operators.some((o) => o.user === me.user && !o.active) ?? false;
    const show = useCallback((to: number | undefined) => go(`/console/review${to === undefined ? '' : `/${to}`}${search ? `?${search}` : ''}`, {replace: true}), [go, search]);
    const desk = useDesk(items, show);

    const selectable = (works && view === 'mine') || (supervises && (view === 'team' || view === 'escalated'));
    const [selected, setSelected] = useState<ReadonlyMap<number, Item>>(new Map());
    const ids = useMemo(() => (selected.size === 0 ? none : new Set(selected.keys())), [selected]);
    const select = useCallback(
        (which: number[], on: boolean) =>
            setSelected((before) => {
                const after = new Map(before);
                for (const one of which) {
                    const item = items.find((i) => i.id === one);
                    if (!on) after.delete(one);
                    else if (item) after.set(one, item);
                }
                return after;
            }),
        [items],
    );
    const [batch, setBatch] = useState<{kind: BatchKind; items: Item[]} | undefined>();
    const [counting, setCounting] = useState(false);
    const selectAll = async () => {
        setCounting(true);
        try {
            const all = await fetchAllItems(view, filter);
            setSelected(new Map(all.map((item) => [item.id, item])));
        } catch (error) {
            refused(error);
        }
        setCounting(false);
    };
    /// As the list has them now, where it does.
    const chosen = () => [...selected.values()].map((item) => items.find((i) => i.id === item.id) ?? item);
    const changeView = (to: string) => {
        setSelected(new Map());
        go(`/console/review?view=${to}`);
    };

    const step = (by: number) => {
        const at = items.findIndex((item) => item.id === id);
        const to = at < 0 ? items[0] : items[Math.max(0, Math.min(items.length - 1, at + by))];
        if (to) show(to.id);
    };
    useShortcut('review.next', () => step(1), view !== 'people');
    useShortcut('review.previous', () => step(-1), view !== 'people');
    useShortcut('review.select', () => id !== undefined && select([id], !ids.has(id)), selectable && id !== undefined);

    const filters: Filter<'queue' | 'region' | 'state'>[] = [
        {name: 'queue', label: t('queue'), kind: 'text'},
        {name: 'region', label: t('region'), kind: 'text'},
        ...(view === 'over' ? [{name: 'state' as const, label: t('state'), kind: 'choice' as const, choices: (['approved', 'rejected', 'expired'] as const).map((value) => ({value, label: t(`state_${value}`)}))}] : []),
    ];
    return (
        <Page title={t('title')} fill={view !== 'people'} actions={works && <Presence />} note={view === 'mine' && items.length > 0 && <span className={css.keys}>{t('choose_more')}</span>}>
            <div className={css.tools} data-narrow-hidden={id !== undefined || undefined}>
                <SegmentedControl aria-label={t('views')} value={view} onChange={changeView} data={views.map((v) => ({value: v, label: t(v)}))} />
                {view !== 'people' && view !== 'mine' && <FilterBar filters={filters} address={address} onChange={setAddress} />}
            </div>
            {view === 'people' ? (
                <Operators />
            ) : (
                <div className={css.desk} data-item={id !== undefined || undefined}>
                    <Panel flush label={t('items')}>
                        {selectable && selected.size > 0 && (
                            <div className={css.selection} role="toolbar" aria-label={t('selected', {count: selected.size})}>
                                <strong>{t('selected', {count: selected.size})}</strong>
                                {list.hasNextPage || selected.size < items.length ? <Button variant="subtle" loading={counting} onClick={() => void selectAll()}>{t('all_matching')}</Button> : null}
                                <Button onClick={() => setBatch({kind: 'approved', items: chosen()})}>{t('batch_approve')}</Button>
                                <Button onClick={() => setBatch({kind: 'rejected', items: chosen()})}>{t('batch_reject')}</Button>
                                {supervises && <Button onClick={() => setBatch({kind: 'reassign', items: chosen()})}>{t('batch_reassign')}</Button>}
                                <Button variant="subtle" color="gray" onClick={() => setSelected(new Map())}>{t('clear_selection')}</Button>
                            </div>
                        )}
                        {list.isError && items.length === 0 ? (
                            <Trouble error={list.error} retry={() => void list.refetch()} />
                        ) : (
                            <Queue
                                items={items}
                                view={view}
                                compact={id !== undefined}
                                chosen={id}
                                selected={selectable ? ids : undefined}
                                onSelect={select}
                                onOpen={desk.open}
                                onMove={(item) => show(item.id)}
                                loading={list.isPending || list.isFetchingNextPage}
                                hasMore={list.hasNextPage}
                                loadMore={() => void list.fetchNextPage()}
                                away={away}
                            />
                        )}
                        <UndoBar desk={desk} />
                    </Panel>
                    {id !== undefined && <ItemPanel key={id} id={id} desk={desk} onBack={() => show(undefined)} />}
                </div>
            )}
            {batch && (
                <Batch
                    kind={batch.kind}
                    items={batch.items}
                    onClose={(settled) => {
                        setBatch(undefined);
                        setSelected((before) => new Map([...before].filter(([one]) => !settled.includes(one))));
                        if (id !== undefined && settled.includes(id)) show(undefined);
                    }}
                />
            )}
        </Page>
    );
}
