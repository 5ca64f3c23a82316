// What is in trouble: counts by state, the list, and one alert beside it.
import {Button} from '@mantine/core';
import {IconMoodCheck, IconVolumeOff} from '@tabler/icons-react';
import {useMemo} from 'react';
import {Link, useLocation, useParams, useSearch} from 'wouter';
import {useAddress} from '@/app/address';
import {defineAction, useShortcut} from '@/app/shortcuts';
import {useTexts} from '@/i18n';
import {LevelIcon, Severity, severityLevel} from '@/parts/Badge';
import {type Column, DataTable} from '@/parts/DataTable';
import {type Filter, FilterBar} from '@/parts/FilterBar';
import {count} from '@/parts/format';
import {Page, Panel} from '@/parts/Page';
import {Empty, Trouble} from '@/parts/States';
import {Age, Time} from '@/parts/Time';
import {HeldBack} from './AlertBadge';
import {AlertPanel} from './AlertPanel';
import {type Alert, type AlertState, isOpen, ownerOf, stateLevels, states, useAlerts} from './alerts';
import css from './alerts.module.css';
import {Strip} from './Strip';
import {texts} from './texts';

defineAction('alerts.ack', 'a', texts, 'key_ack');
defineAction('alerts.next', 'j', texts, 'key_next');
defineAction('alerts.previous', 'k', texts, 'key_previous');

const names = ['state', 'severity', 'workflow', 'group', 'tenant'] as const;

export default function AlertsPage() {
    const t = useTexts(texts);
    const {id} = useParams<{id?: string}>();
    const search = useSearch();
    const [, go] = useLocation();
    const [address, setAddress] = useAddress(names);
    const state: AlertState | 'all' = address.state === 'all' ? 'all' : (states.find((s) => s === address.state) ?? 'firing');
    const list = useAlerts({
        state: state === 'all' ? undefined : state, workflow: address.workflow, group: address.group, tenant: address.tenant,
        severity_at_least: Number(address.severity) || undefined,
    });
    const alerts = useMemo(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
    const show = (to: string | undefined) => go(`/console/alerts${to ? `/${to}` : ''}${search ? `?${search}` : ''}`, {replace: true});
    const step = (by: number) => {
        const at = alerts.findIndex((alert) => alert.id === id);
        const to = at < 0 ? alerts[0] : alerts[Math.max(0, Math.min(alerts.length - 1, at + by))];
        if (to) show(to.id);
    };
    useShortcut('alerts.next', () => step(1));
    useShortcut('alerts.previous', () => step(-1));

    const compact = id !== undefined;
    const columns = useMemo(() => {
        const all: (Column<Alert> | false)[] = [
            {id: 'mark', header: <span className="unseen">{t('state')}</span>, width: '1.1rem', cell: (a) => <LevelIcon level={stateLevels[a.state]} label={t(`state_${a.state}`)} />},
            {id: 'severity', header: <span className="unseen">{t('severity')}</span>, width: '2.6rem', cell: (a) => <Severity value={a.severity} />},
            {id: 'what', header: t('what'), width: 'minmax(9rem, 1fr)', cell: (a) => <span title={`${a.workflow} · ${a.rule} ${a.group ?? ''}`}><strong className={css.rule}>{a.workflow}</strong> {a.rule} <span className={css.faint}>{a.group}</span></span>},
            !compact && {id: 'state', header: t('state'), width: '7.5rem', wide: true, cell: (a) => t(`state_${a.state}`)},
            !compact && {id: 'owner', header: t('owner'), width: '8rem', wide: true, cell: (a) => ownerOf(a) ?? <span className={css.faint}>{t('nobody')}</span>},
            !compact && {id: 'told', header: t('told'), width: '9rem', wide: true, cell: (a) => <HeldBack alert={a} />},
            !compact && {id: 'open', header: t('open'), width: '4rem', align: 'right', wide: true, cell: (a) => count(a.open)},
            {id: 'age', header: t('age'), width: '6.6rem', align: 'right', cell: (a) => (isOpen(a) ? <Age at={a.began} /> : <Time at={a.ended} />)},
        ];
        return all.filter((column): column is Column<Alert> => column !== false);
    }, [compact, t]);
    const filters: Filter<'severity' | 'workflow' | 'group' | 'tenant'>[] = [
        {name: 'severity', label: t('severity'), kind: 'choice', choices: [5, 4, 3, 2].map((n) => ({value: String(n), label: t('severity_at_least', {n})}))},
        {name: 'workflow', label: t('workflow'), kind: 'text'},
        {name: 'group', label: t('group'), kind: 'text'},
        {name: 'tenant', label: t('tenant'), kind: 'text'},
    ];
    const filtered = address.severity || address.workflow || address.group || address.tenant;
    return (
        <Page title={t('title')} fill actions={<Button component={Link} href="/console/silences" leftSection={<IconVolumeOff size={15} />}>{t('silences_page')}</Button>}>
            <div className={css.tools} data-narrow-hidden={compact || undefined}>
                <Strip chosen={state} onChoose={(to) => setAddress({state: to === 'firing' ? '' : to})} />
                <FilterBar filters={filters} address={address} onChange={setAddress} />
            </div>
            <div className={css.split} data-item={compact || undefined}>
                <Panel flush label={t('title')}>
                    {list.isError && alerts.length === 0 ? (
                        <Trouble error={list.error} retry={() => void list.refetch()} />
                    ) : (
                        <DataTable
                            rows={alerts}
                            columns={columns}
                            rowKey={(alert) => alert.id}
                            label={t('title')}
                            loading={list.isPending || list.isFetchingNextPage}
                            hasMore={list.hasNextPage}
                            loadMore={() => void list.fetchNextPage()}
                            chosen={id}
                            onOpen={(alert) => show(alert.id)}
                            {...(compact ? {onMove: (alert: Alert) => show(alert.id)} : {})}
                            level={(alert) => {
                                const level = severityLevel(alert.severity);
                                return isOpen(alert) && level !== 'none' ? level : undefined;
                            }}
                            empty={state === 'firing' && !filtered ? <Empty icon={<IconMoodCheck size={28} stroke={1.4} />} title={t('empty_firing')}>{t('empty_firing_more')}</Empty> : <Empty title={t('empty')}>{t('empty_more')}</Empty>}
                        />
                    )}
                </Panel>
                {compact && <AlertPanel key={id} id={id} onBack={() => show(undefined)} />}
            </div>
        </Page>
    );
}
