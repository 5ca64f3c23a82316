// Every event, of the hot log and all regions, by one filter.
import {Button, Menu, SegmentedControl} from '@mantine/core';
import {IconDownload, IconSearchOff} from '@tabler/icons-react';
import {keepPreviousData, useInfiniteQuery} from '@tanstack/react-query';
import {useMemo} from 'react';
import {getAddress, type Schemas} from '@/api/client';
import {useLive} from '@/api/stream';
import {useAddress} from '@/app/address';
import {useTexts} from '@/i18n';
import {Badge, Severity} from '@/parts/Badge';
import {type Column, DataTable} from '@/parts/DataTable';
import {EventDetail, type ShownEvent} from '@/parts/event/EventDetail';
import {texts as eventTexts} from '@/parts/event/texts';
import {count, short} from '@/parts/format';
import {Page} from '@/parts/Page';
import {Split} from '@/parts/Split';
import {Empty, Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import {type Field, parse, withField, wordsOf} from './language';
import {QueryInput} from './QueryInput';
import css from './Search.module.css';
import {Statistics, useCounts} from './Statistics';
import {texts} from './texts';
import {Views} from './Views';

type Found = Schemas['FoundEvent'];
type FoundPage = Schemas['QueryOutcome'] & {items: Found[]; next: string | null};
const names = ['q', 'event'] as const;
const keyOf = (found: Found) => `${found.log.slice(0, 8)}-${found.seq}`;
const spansOffered = [['', 'span_any'], ['-15m', 'span_15m'], ['-1h', 'span_1h'], ['-24h', 'span_24h'], ['-7d', 'span_7d']] as const;
const staleMs = 30_000;

export default function Search() {
    const t = useTexts(texts);
    const te = useTexts(eventTexts);
    const [address, setAddress] = useAddress(names);
    const q = address.q ?? '';
    // "-1h" means an hour before the question, and the question is asked once, not at each rendering.
    const {parameters, faults} = useMemo(() => parse(q, Math.floor(Date.now() / staleMs) * staleMs + staleMs), [q]);
    const valid = faults.length === 0;
    const asked = useMemo(() => new URLSearchParams(parameters as Record<string, string>).toString(), [parameters]);

    const found = useInfiniteQuery({
        queryKey: ['search', asked],
        enabled: valid,
        placeholderData: keepPreviousData,
        staleTime: staleMs,
        initialPageParam: `/api/v1/events/search?${asked}${asked ? '&' : ''}limit=100&timeout_ms=10000`,
        queryFn: ({pageParam, signal}) => getAddress<FoundPage>(pageParam, signal),
        getNextPageParam: (last) => last.next ?? undefined,
    });
    const counts = useCounts(parameters, 'type,region,severity', valid);
    const rows = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
    const missing = found.data?.pages.flatMap((page) => page.missing) ?? [];
    const regions = useLive((live) => live.status?.regions);
    const chosen = rows.find((row) => keyOf(row) === address.event);

    const values = (field: Field): readonly string[] => {
        if (field === 'region') return (regions ?? []).map((r) => r.name ?? '');
        if (field === 'type' || field === 'tenant') return [...new Set((counts.data?.groups ?? []).map((g) => g[field] ?? '').filter(Boolean))];
        return [];
    };
    const ask = (text: string) => setAddress({q: text, event: ''});
    const from = wordsOf(q).find((w) => w.field === 'from')?.value ?? '';
    const exported = (format: string) => `/api/v1/events/export?${asked}${asked ? '&' : ''}format=${format}`;
    const total = counts.data?.events;

    const columns: Column<Found>[] = [
        {id: 'received', header: t('column_received'), width: 'minmax(5.4rem, 9.5rem)', cell: (f) => <Time at={f.received} />},
        {id: 'severity', header: t('column_severity'), width: '4.2rem', wide: true, cell: (f) => <Severity value={f.event.severity as number | undefined} />},
        {id: 'type', header: t('column_type'), width: 'minmax(7rem, 1.1fr)', cell: (f) => <strong className={css.type}>{String(f.event.type ?? '–')}</strong>},
        {id: 'key', header: t('column_key'), width: 'minmax(5rem, 1fr)', cell: (f) => <span className="mono">{String(f.event.subject ?? '–')}</span>},
        {id: 'region', header: t('column_region'), width: '4.2rem', wide: true, cell: (f) => f.region},
        {id: 'state', header: t('column_state'), width: '6.3rem', wide: true, cell: (f) => <Badge level={f.state === 'stored' ? 'ok' : 'info'} quiet>{te(f.state)}</Badge>},
        {id: 'data', header: t('column_data'), width: 'minmax(6rem, 2fr)', wide: true, cell: (f) => <span className={css.data}>{f.event.data === undefined ? '' : JSON.stringify(f.event.data)}</span>},
    ];
    return (
        <Page
            title={t('title')}
            note={total === undefined ? t('counting') : t('found', {count: total})}
            fill
            actions={
                <>
                    <Views address={`/console/search?${new URLSearchParams({q}).toString()}`} />
                    <Menu position="bottom-end">
                        <Menu.Target><Button leftSection={<IconDownload size={15} />} disabled={!valid}>{t('export')}</Button></Menu.Target>
                        <Menu.Dropdown>
                            <Menu.Label>{t('export_hint', {count: count(total)})}</Menu.Label>
                            <Menu.Item component="a" href={exported('csv')} download="events.csv">{t('export_csv')}</Menu.Item>
                            <Menu.Item component="a" href={exported('ndjson')} download="events.ndjson">{t('export_ndjson')}</Menu.Item>
                        </Menu.Dropdown>
                    </Menu>
                </>
            }
        >
            <div className={css.top}>
                <QueryInput value={q} onSubmit={ask} faults={faults} values={values} />
                <SegmentedControl
                    size="sm"
                    aria-label={t('span')}
                    data={spansOffered.map(([value, label]) => ({value, label: t(label)}))}
                    value={spansOffered.some(([v]) => v === from) ? from : ''}
                    onChange={(value) => ask(withField(q, 'from', value || undefined))}
                />
            </div>
            {missing.length > 0 && (
                <p className={css.partial} role="status">
                    <Badge level="warn">{t('partial')}</Badge>
                    {[...new Map(missing.map((m) => [m.region ?? '', m])).values()].map((m) => (
                        <span key={m.region ?? 'log'} data-given>{t('missing', {who: m.region ?? t('the_log'), why: m.why})}</span>
                    ))}
                </p>
            )}
            <div className={css.columns}>
                <Split
                    label={te('detail')}
                    title={te('detail')}
                    detail={chosen ? <EventDetail of={chosen as ShownEvent} /> : undefined}
                    onClose={() => setAddress({event: ''}, true)}
                >
                    {found.isLoadingError ? <Trouble error={found.error} retry={() => void found.refetch()} /> : (
                        <DataTable
                            rows={rows}
                            columns={columns}
                            rowKey={keyOf}
                            label={t('title')}
                            chosen={address.event}
                            onOpen={(f) => setAddress({event: keyOf(f)}, chosen !== undefined)}
                            onMove={(f) => chosen && setAddress({event: keyOf(f)}, true)}
                            loading={found.isFetching && !found.isRefetching}
                            dim={() => found.isPlaceholderData}
                            hasMore={found.hasNextPage}
                            loadMore={() => void found.fetchNextPage()}
                            empty={<Empty title={t('none')} icon={<IconSearchOff size={28} stroke={1.4} />}>{t('none_more')}</Empty>}
                        />
                    )}
                </Split>
                {!chosen && <div className={css.side}><Statistics parameters={parameters} counts={counts} onOnly={(field, value) => ask(withField(q, field, value))} /></div>}
            </div>
            <span className="unseen" role="status">{total !== undefined ? t('found', {count: total}) : short(null)}</span>
        </Page>
    );
}
