// Health at a glance, key figures, trends, regions and the worst troubles.
import {useMemo} from 'react';
import {useLive} from '@/api/stream';
import {useTexts} from '@/i18n';
import {Chart} from '@/parts/Chart';
import {Figure, Figures} from '@/parts/Figure';
import {count, micros, short, span} from '@/parts/format';
import {HealthStrip} from '@/parts/health/HealthStrip';
import {Page, Panel} from '@/parts/Page';
import {Loading} from '@/parts/States';
import {useLateness, useReviewSummary, useTroubles, useWorkflows} from './data';
import css from './Overview.module.css';
import {Regions} from './Regions';
import {texts} from './texts';
import {Troubles, Workflows} from './Troubles';

export default function Overview() {
    const t = useTexts(texts);
    const status = useLive((live) => live.status);
    const trend = useLive((live) => live.trend);
    const workflows = useWorkflows();
    const names = useMemo(() => (workflows.data?.items ?? []).filter((w) => w.state === 'active').map((w) => w.name), [workflows.data]);
    const lateness = useLateness(names);
    const troubles = useTroubles();
    const review = useReviewSummary();
    const times = useMemo(() => trend.map((p) => p.at), [trend]);
    const rates = useMemo(
        () => [
            {label: t('series_received'), values: trend.map((p) => p.received), color: '--chart-1', fill: true},
            {label: t('series_refused'), values: trend.map((p) => p.refused), color: '--bad'},
        ],
        [trend, t],
    );
    const backlog = useMemo(() => [{label: t('waiting'), values: trend.map((p) => p.waiting ?? null), color: '--chart-2', fill: true}], [trend, t]);
    const late = useMemo(
        () => [
            {label: t('series_missed'), values: lateness.data?.missed ?? [], color: '--bad'},
            {label: t('series_late'), values: lateness.data?.late ?? [], color: '--chart-3'},
        ],
        [lateness.data, t],
    );
    if (!status) return <Page title={t('title')}><Loading rows={8} /></Page>;

    const waiting = status.regions.reduce((sum, r) => sum + (r.waiting ?? 0), 0);
    const lag = Math.max(0, ...status.regions.filter((r) => r.configured).map((r) => r.lag_seconds ?? 0));
    const sum = (values: number[] | undefined) => (values ?? []).reduce((a, b) => a + b, 0);
    const missed = sum(lateness.data?.missed);
    const queued = Object.values(review.data?.waiting ?? {}).reduce((a, b) => a + b, 0);
    const firing = status.alerts?.firing ?? 0;
    return (
        <Page title={t('title')} note={t('uptime', {span: span(status.uptime_seconds * 1_000), version: status.version})}>
            <HealthStrip status={status} />
            <Figures>
                <Figure name={t('rate')} value={short(status.events?.received_per_second)} unit={t('per_second')} more={t('received', {count: count(status.events?.received)})} to="/console/live" />
                <Figure name={t('ack')} value={micros(status.latency?.ack?.p99_us)} more={t('ack_more', {p50: micros(status.latency?.ack?.p50_us)})} to="/console/system" />
                <Figure name={t('processing')} value={micros(status.latency?.processing?.p99_us)} more={t('processing_more', {p50: micros(status.latency?.processing?.p50_us)})} to="/console/system" />
                <Figure name={t('firing')} value={short(firing)} level={firing > 0 ? 'bad' : 'none'} more={t('firing_more', {acked: short(status.alerts?.acked ?? 0), pending: short(status.alerts?.pending ?? 0)})} to="/console/alerts?state=firing" />
                <Figure name={t('missed')} value={lateness.data ? short(missed) : '–'} level={missed > 0 ? 'bad' : 'none'} more={t('missed_more', {late: short(sum(lateness.data?.late))})} to="/console/map" />
                <Figure name={t('backlog')} value={short(waiting)} level={lag > 60 ? 'warn' : 'none'} more={t('backlog_more', {span: span(lag * 1_000)})} to="/console/regions" />
                <Figure
                    name={t('review')}
                    value={review.data ? short(queued) : '–'}
                    more={review.data?.oldest_waiting ? t('review_more', {span: span(Date.now() - Date.parse(review.data.oldest_waiting))}) : t('review_none')}
                    to="/console/review"
                />
            </Figures>
            <div className={css.charts}>
                <Panel title={t('rates')} note={t('rates_note')}><Chart times={times} series={rates} label={t('rates_label')} /></Panel>
                <Panel title={t('lateness')} note={t('lateness_note')}>
                    <Chart times={lateness.data?.times ?? []} series={late} label={t('lateness_label')} bars stack />
                </Panel>
                <Panel title={t('waiting')} note={t('waiting_note')}><Chart times={times} series={backlog} label={t('waiting_label')} /></Panel>
            </div>
            <div className={css.lower}>
                <Troubles troubles={troubles} />
                <div className={css.column}>
                    <Workflows workflows={workflows} />
                    <Regions regions={status.regions} />
                </div>
            </div>
        </Page>
    );
}
