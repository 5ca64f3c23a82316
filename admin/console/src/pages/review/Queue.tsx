// The list of items: mine, the team's, the escalated or the decided ones.
import {Checkbox} from '@mantine/core';
import {IconLock} from '@tabler/icons-react';
import {useMemo} from 'react';
import {useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {Badge, LevelIcon} from '@/parts/Badge';
import {type Column, DataTable} from '@/parts/DataTable';
import {Empty} from '@/parts/States';
import {Countdown, Time} from '@/parts/Time';
import {isLocked, isMine, type Item, rowLevel, stateLevel, type View} from './items';
import css from './review.module.css';
import {texts} from './texts';

export function StateBadge({item, quiet}: {item: Item; quiet?: boolean}) {
    const t = useTexts(texts);
    return <Badge level={stateLevel(item)} {...(quiet ? {quiet} : {})}>{t(`state_${item.state}`)}</Badge>;
}

/// Whose it is; of a lease, how long still.
export function Holder({item}: {item: Item}) {
    const t = useTexts(texts);
    const me = useMe();
    if (!item.holder) return <span className={css.faint}>{t('nobody')}</span>;
    const name = isMine(item, me) ? t('yours') : <span data-given>{item.holder}</span>;
    if (item.state !== 'in_review') return name;
    return (
        <span className={css.lock}>
            <IconLock size={13} aria-hidden /> {name} <Countdown to={item.lease_until} />
        </span>
    );
}

export function Queue({items, view, compact, chosen, selected, onSelect, onOpen, onMove, loading, hasMore, loadMore, away}: {
    items: Item[];
    view: View;
    /// Beside an item: what matters only.
    compact: boolean;
    chosen: number | undefined;
    /// Undefined where nothing can be selected.
    selected: ReadonlySet<number> | undefined;
    onSelect: (ids: number[], on: boolean) => void;
    onOpen: (item: Item) => void;
    onMove: (item: Item) => void;
    loading: boolean;
    hasMore: boolean;
    loadMore: () => void;
    away: boolean;
}) {
    const t = useTexts(texts);
    const me = useMe();
    const columns = useMemo(() => {
        const all = items.length > 0 && items.every((item) => selected?.has(item.id));
        const some = items.some((item) => selected?.has(item.id));
        const list: (Column<Item> | false)[] = [
            selected !== undefined && {
                id: 'select', width: '1.5rem',
                header: <Checkbox aria-label={t('select_all')} checked={all} indeterminate={some && !all} disabled={items.length === 0} onChange={(event) => onSelect(items.map((item) => item.id), event.currentTarget.checked)} />,
                cell: (item) => <Checkbox aria-label={t('select', {id: item.id})} checked={selected.has(item.id)} tabIndex={-1} onChange={(event) => onSelect([item.id], event.currentTarget.checked)} />,
            },
            !compact && {id: 'id', header: t('id'), width: '3rem', wide: true, cell: (item: Item) => <span className={css.faint}>{item.id}</span>},
            {id: 'priority', header: <span title={t('priority')}>P</span>, width: '1.6rem', cell: (item) => <span className={css.priority} data-high={item.priority >= 4 || undefined} aria-label={`${t('priority')} ${item.priority}`}>{item.priority}</span>},
            {
                id: 'what', header: t('what'), width: 'minmax(7rem, 1fr)',
                // The subject first: it is what tells items of a queue apart.
                cell: (item) => <span title={`${item.subject ?? ''} ${item.type}`}><strong className={css.type}>{item.subject ?? item.type}</strong> {item.subject && <span className={css.faint}>{item.type}</span>}</span>,
            },
            compact
                ? {id: 'state', header: <span className="unseen">{t('state')}</span>, width: '1.2rem', cell: (item) => <LevelIcon level={stateLevel(item)} label={t(`state_${item.state}`)} />}
                : {id: 'state', header: t('state'), width: '6.8rem', wide: true, cell: (item) => <StateBadge item={item} quiet />},
            view !== 'mine' && view !== 'over' && {id: 'holder', header: t('holder'), width: compact ? '5.5rem' : '11rem', wide: true, cell: (item: Item) => <Holder item={item} />},
            !compact && {id: 'queue', header: t('queue'), width: '7rem', wide: true, cell: (item: Item) => item.queue},
            !compact && {id: 'region', header: t('region'), width: '4rem', wide: true, cell: (item: Item) => item.region},
            !compact && {id: 'created', header: t('created'), width: '6.5rem', wide: true, cell: (item: Item) => <Time at={item.created} />},
            view === 'over'
                ? {id: 'ended', header: t('decided_at'), width: '8.5rem', cell: (item) => <Time at={item.ended} />}
                : {id: 'due', header: t('due'), width: compact ? '4.8rem' : '7rem', align: 'right', cell: (item) => <Countdown to={item.due} brief={compact} />},
        ];
        return list.filter((column): column is Column<Item> => column !== false);
    }, [items, selected, view, compact, t, onSelect]);
    const empty =
        view === 'mine' && away ? <Empty title={t('mine_away')}>{t('mine_away_more')}</Empty>
        : view === 'people' ? null
        : <Empty title={t(`${view}_empty`)}>{t(`${view}_empty_more`)}</Empty>;
    return (
        <DataTable
            rows={items}
            columns={columns}
            rowKey={(item) => item.id}
            label={t('items')}
            empty={empty}
            loading={loading}
            hasMore={hasMore}
            loadMore={loadMore}
            chosen={chosen}
            onOpen={onOpen}
            onMove={onMove}
            level={rowLevel}
            dim={(item) => isLocked(item, me)}
        />
    );
}
