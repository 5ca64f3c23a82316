// What was refused: look at it, mend it, send it again, or drop it.
import {IconMailOff} from '@tabler/icons-react';
import {useInfiniteQuery} from '@tanstack/react-query';
import {useMemo} from 'react';
import {useLocation, useParams} from 'wouter';
import {getAddress, type Schemas} from '@/api/client';
import {useLive} from '@/api/stream';
import {useAddress} from '@/app/address';
import {useTexts} from '@/i18n';
import {Badge, type Level} from '@/parts/Badge';
import {type Column, DataTable} from '@/parts/DataTable';
import {FilterBar} from '@/parts/FilterBar';
import {Page} from '@/parts/Page';
import {Split} from '@/parts/Split';
import {Empty, Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import {Letter} from './Letter';
import {texts} from './texts';

export type DeadLetter = Schemas['DeadLetter'];
const names = ['cause', 'status', 'tenant'] as const;
export const levelOf: Record<NonNullable<DeadLetter['status']>, Level> = {open: 'warn', retried: 'ok', dropped: 'none'};

export default function DeadLetters() {
    const t = useTexts(texts);
    const {seq} = useParams<{seq?: string}>();
    const [, go] = useLocation();
    const [address, setAddress] = useAddress(names);
    const causes = useLive((live) => live.status?.dead_letters);
    const query = new URLSearchParams(address as Record<string, string>).toString();
    const found = useInfiniteQuery({
        queryKey: ['deadletters', query],
        initialPageParam: `/api/v1/deadletters?${query}${query ? '&' : ''}limit=100`,
        queryFn: ({pageParam, signal}) => getAddress<{items: DeadLetter[]; next: string | null}>(pageParam, signal),
        getNextPageParam: (last) => last.next ?? undefined,
    });
    const rows = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
    const open = (letter?: DeadLetter) => go(`/console/deadletters${letter ? `/${letter.seq}` : ''}${query ? `?${query}` : ''}`);
    const chosen = seq ? Number(seq) : undefined;
    const filtered = query !== '';

    const columns: Column<DeadLetter>[] = [
        {id: 'received', header: t('received'), width: 'minmax(5.4rem, 9.5rem)', cell: (l) => <Time at={l.received} />},
        {id: 'status', header: t('status'), width: '5.8rem', wide: true, cell: (l) => l.status && <Badge level={levelOf[l.status]} quiet>{t(`status_${l.status}`)}</Badge>},
        {id: 'cause', header: t('cause'), width: 'minmax(8rem, 0.6fr)', cell: (l) => <strong>{l.cause}</strong>},
        {id: 'detail', header: t('detail'), width: 'minmax(6rem, 2fr)', wide: true, cell: (l) => <span title={l.detail}>{l.detail}</span>},
        ...(chosen === undefined ? [
            {id: 'tenant', header: t('tenant'), width: '6rem', wide: true, cell: (l: DeadLetter) => l.tenant ?? '–'},
            {id: 'from', header: t('from'), width: '10rem', wide: true, cell: (l: DeadLetter) => <span className="mono">{l.producer || l.peer}</span>},
        ] : []),
    ];
    return (
        <Page title={t('title')} note={t('note')} fill>
            <FilterBar
                filters={[
                    {name: 'cause', label: t('cause'), kind: 'choice', choices: (causes ?? []).map((c) => ({value: c.cause ?? '', label: `${c.cause} (${c.count})`}))},
                    {name: 'status', label: t('status'), kind: 'choice', choices: (['open', 'retried', 'dropped'] as const).map((s) => ({value: s, label: t(`status_${s}`)}))},
                    {name: 'tenant', label: t('tenant'), kind: 'text'},
                ]}
                address={address}
                onChange={setAddress}
            />
            <Split
                label={t('letter', {seq: seq ?? ''})}
                title={t('letter', {seq: seq ?? ''})}
                detail={chosen !== undefined ? <Letter key={chosen} seq={chosen} onOther={(other) => go(`/console/deadletters/${other}`)} /> : undefined}
                onClose={() => open()}
            >
                {found.isLoadingError ? <Trouble error={found.error} retry={() => void found.refetch()} /> : (
                    <DataTable
                        rows={rows}
                        columns={columns}
                        rowKey={(l) => l.seq}
                        label={t('title')}
                        chosen={chosen}
                        onOpen={open}
                        onMove={(l) => chosen !== undefined && open(l)}
                        loading={found.isFetching && !found.isRefetching}
                        hasMore={found.hasNextPage}
                        loadMore={() => void found.fetchNextPage()}
                        empty={<Empty title={filtered ? t('none_match') : t('none')} icon={<IconMailOff size={28} stroke={1.4} />}>{t('none_more')}</Empty>}
                    />
                )}
            </Split>
        </Page>
    );
}
