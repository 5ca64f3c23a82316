// What comes in, as it comes in: steady, readable, paused while one reads.
import {Button} from '@mantine/core';
import {IconActivity, IconArrowUp, IconPlayerPause, IconPlayerPlay} from '@tabler/icons-react';
import {useQuery} from '@tanstack/react-query';
import {useRef, useState} from 'react';
import {api, unwrap} from '@/api/client';
import {type EventSummary, useLive} from '@/api/stream';
import {useAddress} from '@/app/address';
import {defineAction, useShortcut} from '@/app/shortcuts';
import {useTexts} from '@/i18n';
import {Severity} from '@/parts/Badge';
import {type Column, DataTable, type TableHandle} from '@/parts/DataTable';
import {EventDetail, type ShownEvent} from '@/parts/event/EventDetail';
import {texts as eventTexts} from '@/parts/event/texts';
import {FilterBar} from '@/parts/FilterBar';
import {bytes, short} from '@/parts/format';
import {Page} from '@/parts/Page';
import {Split} from '@/parts/Split';
import {Empty, Loading, Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import {useFeed} from './feed';
import css from './Live.module.css';
import {texts} from './texts';

defineAction('live.pause', 'space', texts, 'pause');
const names = ['subject', 'type', 'region', 'tenant', 'event'] as const;
const streamPerSecond = 40;

function Detail({seq}: {seq: number}) {
    const found = useQuery({
        queryKey: ['event', seq],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/events/{seq}', {params: {path: {seq}}, signal})),
        staleTime: Infinity,
    });
    if (found.isLoadingError) return <Trouble error={found.error} />;
    return found.data ? <EventDetail of={found.data as ShownEvent} /> : <Loading />;
}

export default function Live() {
    const t = useTexts(texts);
    const te = useTexts(eventTexts);
    const [address, setAddress] = useAddress(names);
    const [stopped, setStopped] = useState(false);
    const [scrolled, setScrolled] = useState(false);
    const chosen = address.event ? Number(address.event) : undefined;
    const paused = stopped || scrolled || chosen !== undefined;
    const {subject, type, region, tenant} = address;
    const filtered = !!(subject || type || region || tenant);
    const feed = useFeed({...(subject ? {subject} : {}), ...(type ? {type} : {}), ...(region ? {region} : {}), ...(tenant ? {tenant} : {})}, paused);
    const rate = useLive((live) => live.status?.events?.stored_per_second ?? 0);
    const regions = useLive((live) => live.status?.regions);
    const table = useRef<TableHandle>(null);

    const goOn = () => {
        setStopped(false);
        setScrolled(false);
        setAddress({event: ''}, true);
        table.current?.scrollToTop();
    };
    useShortcut('live.pause', () => (paused ? goOn() : setStopped(true)));

    const columns: Column<EventSummary>[] = [
        {id: 'time', header: t('column_time'), width: '5.4rem', cell: (e) => <Time at={e.received} />},
        {id: 'severity', header: t('column_severity'), width: '4.2rem', wide: true, cell: (e) => <Severity value={e.severity} />},
        {id: 'type', header: t('column_type'), width: 'minmax(8rem, 1.3fr)', cell: (e) => <strong className={css.type}>{e.type}</strong>},
        {id: 'key', header: t('column_key'), width: 'minmax(6rem, 1fr)', cell: (e) => <span className="mono">{e.subject ?? '–'}</span>},
        {id: 'region', header: t('column_region'), width: '4.5rem', wide: true, cell: (e) => e.region},
        {id: 'source', header: t('column_source'), width: 'minmax(6rem, 1.4fr)', wide: true, cell: (e) => <span className={css.dim}>{e.source}</span>},
        {id: 'size', header: t('column_size'), width: '5rem', align: 'right', wide: true, cell: (e) => <span className={css.dim}>{bytes(e.data_bytes)}</span>},
    ];
    const note = filtered ? t('filtered', {limit: 200}) : rate > streamPerSecond ? t('sampled', {shown: streamPerSecond, rate: short(rate)}) : t('all', {rate: short(rate)});
    return (
        <Page
            title={t('title')}
            note={note}
            fill
            actions={
                <Button leftSection={paused ? <IconPlayerPlay size={15} /> : <IconPlayerPause size={15} />} aria-pressed={paused} onClick={() => (paused ? goOn() : setStopped(true))}>
                    {paused ? t('resume') : t('pause')}
                </Button>
            }
        >
            <FilterBar
                filters={[
                    {name: 'subject', label: t('filter_key'), kind: 'text'},
                    {name: 'type', label: t('filter_type'), kind: 'text'},
                    {name: 'region', label: t('filter_region'), kind: 'choice', choices: (regions ?? []).map((r) => ({value: r.name ?? '', label: r.name ?? ''}))},
                ]}
                address={address}
                onChange={setAddress}
            />
            <Split
                label={te('detail')}
                title={te('detail')}
                detail={chosen !== undefined ? <Detail seq={chosen} /> : undefined}
                onClose={() => setAddress({event: ''}, true)}
            >
                <div className={css.state} aria-live="polite" data-on={paused || undefined}>
                    {paused && <span>{t('paused')}</span>}
                    {paused && feed.held.length > 0 && (
                        <Button size="compact-xs" variant="light" leftSection={<IconArrowUp size={13} />} onClick={goOn}>{t('held', {count: feed.held.length})}</Button>
                    )}
                    {!paused && feed.resumedAt !== undefined && <span>{t('resumed')}</span>}
                </div>
                <DataTable
                    handle={table}
                    rows={feed.rows}
                    columns={columns}
                    rowKey={(e) => e.seq}
                    label={t('title')}
                    chosen={chosen}
                    onOpen={(e) => setAddress({event: String(e.seq)}, chosen !== undefined)}
                    onMove={(e) => {
                        setStopped(true);
                        if (chosen !== undefined) setAddress({event: String(e.seq)}, true);
                    }}
                    onScrolled={(fromTop) => setScrolled(fromTop > 60)}
                    level={(e) => ((e.severity ?? 0) >= 5 ? 'bad' : undefined)}
                    empty={<Empty title={filtered ? t('none_match') : t('none')} icon={<IconActivity size={28} stroke={1.4} />}>{filtered ? t('none_match_more') : t('none_more')}</Empty>}
                />
            </Split>
        </Page>
    );
}
