import {IconHistory} from '@tabler/icons-react';
import {useInfiniteQuery, useQuery} from '@tanstack/react-query';
import {useMemo} from 'react';
import {api, getAddress, type Schemas, unwrap} from '@/api/client';
import {useAddress} from '@/app/address';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {type Column, DataTable} from '@/parts/DataTable';
import {FilterBar} from '@/parts/FilterBar';
import {count} from '@/parts/format';
import {Json} from '@/parts/Json';
import {Facts, Page} from '@/parts/Page';
import {Split} from '@/parts/Split';
import {Empty, Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import {texts} from './texts';

type Entry = Schemas['AuditEntry'];
const names = ['by', 'action', 'target', 'entry'] as const;

function Detail({entry}: {entry: Entry}) {
    const t = useTexts(texts);
    return (
        <>
            <div data-given>
                <Facts
                    items={[
                        [t('at'), <Time key="a" at={entry.at} />],
                        [t('by'), entry.by],
                        [t('did'), <code key="d">{entry.action}</code>],
                        [t('target'), <code key="t">{entry.target}</code>],
                        [t('done'), <Badge key="o" level={entry.done ? 'ok' : 'warn'} quiet>{entry.done ? t('done') : t('refused')}</Badge>],
                        [t('from'), entry.address || '–'],
                        [t('why'), entry.why || '–'],
                        [t('chain'), <code key="c">{entry.chain}</code>],
                    ]}
                />
            </div>
            {entry.before && <div><strong>{t('before')}</strong><Json value={entry.before} label={t('before')} /></div>}
            {entry.after && <div><strong>{t('after')}</strong><Json value={entry.after} label={t('after')} /></div>}
        </>
    );
}

export default function AuditPage() {
    const t = useTexts(texts);
    const [address, setAddress] = useAddress(names);
    const {entry, ...filters} = address;
    const query = new URLSearchParams(filters as Record<string, string>).toString();
    const found = useInfiniteQuery({
        queryKey: ['audit', query],
        initialPageParam: `/api/v1/audit?${query}${query ? '&' : ''}limit=100`,
        queryFn: ({pageParam, signal}) => getAddress<{items: Entry[]; next: string | null}>(pageParam, signal),
        getNextPageParam: (last) => last.next ?? undefined,
    });
    const head = useQuery({queryKey: ['audit', 'head'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/audit/head', {signal})), refetchInterval: 10_000});
    const rows = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
    const chosen = rows.find((r) => String(r.number) === entry);
    const columns: Column<Entry>[] = [
        {id: 'at', header: t('at'), width: 'minmax(5.4rem, 9.5rem)', cell: (e) => <Time at={e.at} />},
        {id: 'by', header: t('by'), width: 'minmax(6rem, 0.8fr)', cell: (e) => <strong>{e.by}</strong>},
        {id: 'did', header: t('did'), width: 'minmax(7rem, 1.2fr)', cell: (e) => <span className="mono" title={e.action}>{e.action}</span>},
        {id: 'target', header: t('target'), width: 'minmax(6rem, 1fr)', wide: true, cell: (e) => <span className="mono">{e.target}</span>},
        {id: 'done', header: t('done'), width: '5.8rem', wide: true, cell: (e) => <Badge level={e.done ? 'ok' : 'warn'} quiet>{e.done ? t('done') : t('refused')}</Badge>},
        ...(chosen ? [] : [{id: 'why', header: t('why'), width: 'minmax(6rem, 1.4fr)', wide: true, cell: (e: Entry) => e.why ?? ''}]),
    ];
    return (
        <Page title={t('title')} note={t('note')} fill actions={head.data && <span>{t('head', {number: count(head.data.number)})}</span>}>
            <FilterBar
                filters={[
                    {name: 'by', label: t('who'), kind: 'text'},
                    {name: 'action', label: t('action'), kind: 'text'},
                    {name: 'target', label: t('target'), kind: 'text'},
                ]}
                address={address}
                onChange={setAddress}
            />
            <Split
                label={t('entry', {number: entry ?? ''})}
                title={t('entry', {number: entry ?? ''})}
                detail={chosen ? <Detail entry={chosen} /> : undefined}
                onClose={() => setAddress({entry: ''}, true)}
            >
                {found.isLoadingError ? <Trouble error={found.error} retry={() => void found.refetch()} /> : (
                    <DataTable
                        rows={rows}
                        columns={columns}
                        rowKey={(e) => e.number}
                        label={t('title')}
                        chosen={chosen?.number}
                        onOpen={(e) => setAddress({entry: String(e.number)}, true)}
                        loading={found.isFetching && !found.isRefetching}
                        hasMore={found.hasNextPage}
                        loadMore={() => void found.fetchNextPage()}
                        empty={<Empty title={query ? t('none_match') : t('none')} icon={<IconHistory size={28} stroke={1.4} />}>{t('none_more')}</Empty>}
                    />
                )}
            </Split>
        </Page>
    );
}
