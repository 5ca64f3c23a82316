import {useViewportSize} from '@mantine/hooks';
import {useMemo} from 'react';
import {useLive} from '@/api/stream';
import {useTexts} from '@/i18n';
import {useTroubles, useWorkflows} from '@/pages/overview/data';
import {LevelIcon} from '@/parts/Badge';
import {Chart} from '@/parts/Chart';
import {micros, short, span} from '@/parts/format';
import {lagOf, levelOfHealth} from '@/parts/health/health';
import {useVerdict} from '@/parts/health/HealthStrip';
import {Loading, Trouble} from '@/parts/States';
import {Age} from '@/parts/Time';
import {texts} from './texts';
import css from './Wall.module.css';

const shown = 8;

export function Health() {
    const t = useTexts(texts);
    const status = useLive((live) => live.status)!;
    const trend = useLive((live) => live.trend);
    const screen = useViewportSize();
    const {checks, level, says, nameOf, saysOf} = useVerdict(status);
    const series = useMemo(() => [{label: t('rate'), values: trend.map((p) => p.received), color: '--chart-1', fill: true}], [trend, t]);
    const times = useMemo(() => trend.map((p) => p.at), [trend]);
    const waiting = status.regions.reduce((sum, r) => sum + (r.waiting ?? 0), 0);
    const figures: [string, string, boolean][] = [
        [t('rate'), short(status.events?.received_per_second), false],
        [t('ack'), micros(status.latency?.ack?.p99_us), false],
        [t('firing'), short(status.alerts?.firing ?? 0), (status.alerts?.firing ?? 0) > 0],
        [t('backlog'), short(waiting), false],
    ];
    return (
        <div className={css.health}>
            <p className={css.verdict} data-level={level}><LevelIcon level={level} size={64} /> {says}</p>
            <dl className={css.figures}>
                {figures.map(([name, value, bad]) => (
                    <div key={name} data-level={bad ? 'bad' : undefined}><dt>{name}</dt><dd>{value}</dd></div>
                ))}
            </dl>
            <ul className={css.checks}>
                {checks.map((check) => (
                    <li key={check.name} data-level={check.level}>
                        <LevelIcon level={check.level} size={32} />
                        <span><strong>{nameOf(check.name)}</strong><span>{saysOf(check)}</span></span>
                    </li>
                ))}
            </ul>
            <Chart times={times} series={series} label={t('rate')} height={Math.max(180, Math.round(screen.height * 0.44))} />
        </div>
    );
}

export function Alerts() {
    const t = useTexts(texts);
    const troubles = useTroubles();
    if (troubles.isLoadingError) return <Trouble error={troubles.error} />;
    if (!troubles.data) return <Loading />;
    if (troubles.data.length === 0) return <p className={css.verdict} data-level="ok"><LevelIcon level="ok" size={64} /> {t('no_alerts')}</p>;
    const more = troubles.data.length - shown;
    return (
        <>
            <ul className={css.rows}>
                {troubles.data.slice(0, shown).map((alert) => (
                    <li key={alert.id} data-level={alert.state === 'firing' ? 'bad' : 'warn'}>
                        <LevelIcon level={alert.state === 'firing' ? 'bad' : 'warn'} size={36} />
                        <span className={css.what} data-given><strong>{alert.rule}</strong><span>{alert.workflow}{alert.group ? ` · ${alert.group}` : ''}</span></span>
                        <span className={css.big}>{t('open', {count: alert.open})}</span>
                        <span className={css.big}>{alert.acked_by ? t('acked_by', {by: alert.acked_by}) : <Age at={alert.began} />}</span>
                    </li>
                ))}
            </ul>
            {more > 0 && <p className={css.more}>{t('more', {count: more})}</p>}
        </>
    );
}

export function Workflows() {
    const t = useTexts(texts);
    const workflows = useWorkflows();
    if (workflows.isLoadingError) return <Trouble error={workflows.error} />;
    if (!workflows.data) return <Loading />;
    const rank = {red: 0, amber: 1, green: 2};
    const items = [...workflows.data.items].sort((a, b) => rank[a.health] - rank[b.health] || a.name.localeCompare(b.name));
    if (items.length === 0) return <p className={css.verdict}>{t('no_workflows')}</p>;
    return (
        <ul className={css.tiles}>
            {items.slice(0, 12).map((w) => (
                <li key={`${w.name} ${w.version}`} data-level={levelOfHealth(w.health)}>
                    <LevelIcon level={levelOfHealth(w.health)} size={40} />
                    <span className={css.what} data-given><strong>{w.name}</strong><span>{w.health === 'green' ? '' : w.reason.replace(/^\w+: /, '')}</span></span>
                    <span className={css.big}>{t('in_flight', {count: short(w.in_flight)})}</span>
                </li>
            ))}
        </ul>
    );
}

export function Regions() {
    const t = useTexts(texts);
    const regions = useLive((live) => live.status)!.regions;
    return (
        <ul className={css.tiles}>
            {regions.map((region) => {
                const level = lagOf(region);
                return (
                    <li key={region.name} data-level={level}>
                        <LevelIcon level={level} size={40} />
                        <span className={css.what}><strong data-given>{region.name}</strong><span>{region.configured ? t('rows', {count: short(region.rows_per_second)}) : t('no_database')}</span></span>
                        <span className={css.big}>{region.configured ? t('lag', {span: span((region.lag_seconds ?? 0) * 1_000)}) : ''}</span>
                        <span className={css.big}>{t('waiting', {count: short(region.waiting)})}</span>
                    </li>
                );
            })}
        </ul>
    );
}
