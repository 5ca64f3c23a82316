// What holds notifications back because somebody said so: silences and maintenance windows.
import {Button, SegmentedControl} from '@mantine/core';
import {IconBellOff, IconPlus, IconTool} from '@tabler/icons-react';
import {useQuery, useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {api, type Schemas, unwrap} from '@/api/client';
import {useAddress} from '@/app/address';
import {useMay, useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {Badge, type Level} from '@/parts/Badge';
import {Confirm} from '@/parts/Confirm';
import {type Column, DataTable} from '@/parts/DataTable';
import {Page, Panel} from '@/parts/Page';
import {Empty, Trouble} from '@/parts/States';
import {Countdown, Time} from '@/parts/Time';
import {done} from '@/parts/toast';
import AddMaintenance from './AddMaintenance';
import AddSilence from './AddSilence';
import {MatchText} from './Match';
import css from './silences.module.css';
import {texts} from './texts';

type Silence = Schemas['Silence'];
type Maintenance = Schemas['Maintenance'];
const levels: Record<Silence['state'], Level> = {active: 'warn', waiting: 'info', ended: 'none', expired: 'none'};
const names = ['tab', 'id'] as const;
const isOver = (one: {state: string}) => one.state === 'ended' || one.state === 'expired';
const openFirst = <T extends {state: string}>(all: readonly T[]): T[] => [...all.filter((one) => !isOver(one)), ...all.filter(isOver)];

export default function SilencesPage() {
    const t = useTexts(texts);
    const me = useMe();
    const queries = useQueryClient();
    const changes = useMay('supervisor') && me.regions.length === 0 && me.tenants.length === 0;
    const [address, setAddress] = useAddress(names);
    const tab = address.tab === 'maintenance' ? 'maintenance' : 'silences';
    const chosen = Number(address.id) || undefined;
    const [adding, setAdding] = useState(false);
    const [ending, setEnding] = useState<number | undefined>();
    const silences = useQuery({queryKey: ['silences'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/silences', {signal})), refetchInterval: 5_000});
    const windows = useQuery({queryKey: ['maintenance'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/maintenance', {signal})), refetchInterval: 5_000});
    const asked = tab === 'silences' ? silences : windows;

    const common = <T extends Silence | Maintenance>(): Column<T>[] => [
        {id: 'state', header: t('state'), width: '7.5rem', cell: (s) => <Badge level={levels[s.state]} quiet>{t(`state_${s.state}`)}</Badge>},
        {id: 'match', header: t('matches'), width: 'minmax(11rem, 3fr)', cell: (s) => <MatchText match={s} />},
    ];
    const who = <T extends Silence | Maintenance>(): Column<T>[] => [
        {id: 'reason', header: t('reason'), width: 'minmax(8rem, 2fr)', wide: true, cell: (s) => <span title={s.reason}>{s.reason}</span>},
        {id: 'owner', header: t('owner'), width: '7rem', wide: true, cell: (s) => <span title={`${t('by')} ${s.by}`}>{s.owner}</span>},
    ];
    const end = <T extends Silence | Maintenance>(): Column<T>[] =>
        changes ? [{id: 'do', header: '', width: '7.5rem', align: 'right', cell: (s) => !isOver(s) && <Button size="compact-xs" onClick={() => setEnding(s.id)}>{t('expire')}</Button>}] : [];
    const silenceColumns: Column<Silence>[] = [
        ...common<Silence>(),
        ...who<Silence>(),
        {id: 'begin', header: t('begin'), width: '7.5rem', wide: true, cell: (s) => <Time at={s.begin} seconds={false} />},
        {id: 'end', header: t('ends'), width: '8.5rem', cell: (s) => (s.state === 'active' ? <Countdown to={s.end} /> : s.expired_by ? <span className={css.faint}>{t('ended_early', {name: s.expired_by})}</span> : <Time at={s.end} seconds={false} />)},
        ...end<Silence>(),
    ];
    const windowColumns: Column<Maintenance>[] = [
        ...common<Maintenance>(),
        {id: 'effect', header: t('effect'), width: '7rem', wide: true, cell: (m) => t(`effect_short_${m.effect}`)},
        ...who<Maintenance>(),
        {id: 'next', header: t('begin'), width: '7.5rem', wide: true, cell: (m) => <Time at={m.next_begin ?? m.begin} seconds={false} />},
        {
            id: 'end', header: t('ends'), width: '8.5rem',
            cell: (m) => {
                const to = m.next_end ?? m.end;
                if (m.ended_by) return <span className={css.faint}>{t('ended_early', {name: m.ended_by})}</span>;
                return m.state === 'active' ? <Countdown to={to} /> : <Time at={to} seconds={false} />;
            },
        },
        ...end<Maintenance>(),
    ];
    const empty = (
        <Empty icon={tab === 'silences' ? <IconBellOff size={28} stroke={1.4} /> : <IconTool size={28} stroke={1.4} />} title={t(`empty_${tab}`)}>
            {t(`empty_${tab}_more`)}
        </Empty>
    );
    return (
        <Page
            title={t('title')}
            note={t(`${tab}_note`)}
            fill
            actions={changes && <Button variant="filled" leftSection={<IconPlus size={15} />} onClick={() => setAdding(true)}>{t(tab === 'silences' ? 'add_silence' : 'add_maintenance')}</Button>}
        >
            <div>
                <SegmentedControl aria-label={t('tabs')} value={tab} onChange={(value) => setAddress({tab: value === 'silences' ? '' : value, id: ''})} data={[{value: 'silences', label: t('silences')}, {value: 'maintenance', label: t('maintenance')}]} />
            </div>
            <div className={css.list}>
                <Panel flush label={t(tab)}>
                    {asked.isError && !asked.data ? (
                        <Trouble error={asked.error} retry={() => void asked.refetch()} />
                    ) : tab === 'silences' ? (
                        <DataTable key="s" rows={openFirst(silences.data?.items ?? [])} columns={silenceColumns} rowKey={(s) => s.id} label={t('silences')} loading={silences.isPending} empty={empty} chosen={chosen} dim={isOver} />
                    ) : (
                        <DataTable key="m" rows={openFirst(windows.data?.items ?? [])} columns={windowColumns} rowKey={(m) => m.id} label={t('maintenance')} loading={windows.isPending} empty={empty} chosen={chosen} dim={isOver} />
                    )}
                </Panel>
            </div>
            {adding && (tab === 'silences' ? <AddSilence onClose={() => setAdding(false)} /> : <AddMaintenance onClose={() => setAdding(false)} />)}
            {ending !== undefined && (
                <Confirm
                    title={t(tab === 'silences' ? 'expire_title' : 'end_title', {id: ending})}
                    action={t('expire')}
                    onClose={() => setEnding(undefined)}
                    run={async () => {
                        if (tab === 'silences') await unwrap(api.POST('/api/v1/silences/{id}/expire', {params: {path: {id: ending}}, body: {}}));
                        else await unwrap(api.DELETE('/api/v1/maintenance/{id}', {params: {path: {id: ending}}}));
                        done(t(tab === 'silences' ? 'expired_done' : 'ended_done'));
                        void queries.invalidateQueries({queryKey: [tab]});
                        void queries.invalidateQueries({queryKey: ['alerts']});
                    }}
                >
                    <p>{t(tab === 'silences' ? 'expire_more' : 'end_more')}</p>
                </Confirm>
            )}
        </Page>
    );
}
