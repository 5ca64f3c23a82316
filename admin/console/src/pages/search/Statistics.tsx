// Beside the list: when, and by type, region and severity. A value narrows the filter to it.
import {UnstyledButton} from '@mantine/core';
import {keepPreviousData, useQuery} from '@tanstack/react-query';
import {useMemo} from 'react';
import {api, type ProblemError, unwrap} from '@/api/client';
import {useTexts} from '@/i18n';
import {Chart} from '@/parts/Chart';
import {short} from '@/parts/format';
import {Panel} from '@/parts/Page';
import {Loading, Trouble} from '@/parts/States';
import type {Field, SearchParameters} from './language';
import css from './Search.module.css';
import {texts} from './texts';

type Dimension = 'type' | 'region' | 'severity';

export function useCounts(parameters: SearchParameters, group: string, enabled: boolean) {
    const {sort: _sort, order: _order, ...asked} = parameters;
    return useQuery({
        queryKey: ['stats', asked, group],
        enabled,
        placeholderData: keepPreviousData,
        staleTime: 10_000,
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/events/stats', {params: {query: {...asked, group, timeout_ms: 10_000} as never}, signal})),
    });
}
type Counts = ReturnType<typeof useCounts>;

function Bars({title, counts, dimension, onOnly}: {title: string; counts: Counts; dimension: Dimension; onOnly: (value: string) => void}) {
    const t = useTexts(texts);
    const sums = new Map<string, number>();
    for (const group of counts.data?.groups ?? []) {
        const name = String(group[dimension] ?? '');
        sums.set(name, (sums.get(name) ?? 0) + group.events);
    }
    const rows = [...sums].sort((a, b) => b[1] - a[1]).slice(0, 9);
    const most = rows[0]?.[1] ?? 1;
    return (
        <div className={css.bars}>
            <h3>{title}</h3>
            {rows.map(([name, events]) => {
                const none = dimension === 'severity' && name === '0';
                const label = none ? t('no_severity') : name;
                return (
                    <UnstyledButton key={name} disabled={none} onClick={() => onOnly(name)} title={none ? label : t('only', {value: label})}>
                        <i style={{width: `${(events / most) * 100}%`}} aria-hidden />
                        <span data-given>{label}</span>
                        <span>{short(events)}</span>
                    </UnstyledButton>
                );
            })}
        </div>
    );
}

export function Statistics({parameters, counts, onOnly}: {parameters: SearchParameters; counts: Counts; onOnly: (field: Field, value: string) => void}) {
    const t = useTexts(texts);
    const ends = (counts.data?.groups ?? []).flatMap((g) => [Date.parse(g.first_received), Date.parse(g.last_received)]);
    const spanMs = ends.length > 0 ? Math.max(...ends) - Math.min(...ends) : 0;
    const unit = spanMs <= 6 * 3600e3 ? 'minute' : spanMs <= 14 * 86400e3 ? 'hour' : 'day';
    const over = useCounts(parameters, unit, counts.data !== undefined);
    const series = useMemo(() => [{label: t('title'), values: over.data?.groups.map((g) => g.events) ?? [], color: '--chart-1', fill: true}], [over.data, t]);
    const times = useMemo(() => over.data?.groups.map((g) => Date.parse(g.begin ?? '') / 1_000) ?? [], [over.data]);
    return (
        <Panel title={t('statistics')}>
            {counts.isLoadingError ? <Trouble error={counts.error as ProblemError} retry={() => void counts.refetch()} />
            : !counts.data ? <Loading />
            : counts.data.groups.length === 0 ? <p className={css.none}>{t('no_statistics')}</p>
            : (
                <div className={css.statistics}>
                    <h3>{t('over_time')}</h3>
                    <Chart times={times} series={series} label={t('over_time_label')} height={120} bars={times.length < 200} />
                    <Bars title={t('by_type')} counts={counts} dimension="type" onOnly={(v) => onOnly('type', v)} />
                    <Bars title={t('by_region')} counts={counts} dimension="region" onOnly={(v) => onOnly('region', v)} />
                    <Bars title={t('by_severity')} counts={counts} dimension="severity" onOnly={(v) => onOnly('severity', v)} />
                </div>
            )}
        </Panel>
    );
}
