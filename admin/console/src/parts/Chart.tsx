// A chart over time (uPlot). Its code comes with the pages that draw one.
import {useEffect, useMemo, useRef} from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import {useComputedColorScheme} from '@mantine/core';
import {usePreferences} from '@/app/preferences';
import {locale} from '@/i18n';
import css from './Chart.module.css';
import {short} from './format';
import {useZone} from './Time';

export interface Series {
    label: string;
    values: (number | null)[];
    /// A name of tokens.css: "--chart-1".
    color: string;
    fill?: boolean;
}

/// By the distance of ticks: a day, or the time.
function tick(at: number, step: number, zone: string): string {
    const date = new Date(at * 1_000);
    if (step >= 86_400) return date.toLocaleDateString(locale(), {timeZone: zone, day: 'numeric', month: 'short'});
    return date.toLocaleTimeString(locale(), {timeZone: zone, hour: '2-digit', minute: '2-digit', ...(step < 60 ? {second: '2-digit'} : {}), hourCycle: 'h23'});
}

const token = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function Chart({times, series, height = 168, label, format = short, bars, stack}: {
    /// Unix seconds.
    times: number[];
    series: Series[];
    height?: number;
    /// What is drawn, for who does not see it.
    label: string;
    format?: (value: number) => string;
    bars?: boolean;
    /// Each stands on those behind it.
    stack?: boolean;
}) {
    const place = useRef<HTMLDivElement>(null);
    const plot = useRef<uPlot>(undefined);
    const scheme = useComputedColorScheme();
    const contrast = usePreferences((p) => p.contrast);
    const zone = useZone();
    const shape = series.map((s) => `${s.label}|${s.color}|${s.fill}`).join();
    const data = useMemo(() => {
        const on = (i: number) => series[i]!.values.map((v, at) => (v === null ? null : series.slice(i).reduce((sum, s) => sum + (s.values[at] ?? 0), 0)));
        return [times, ...series.map((s, i) => (stack ? on(i) : s.values))] as uPlot.AlignedData;
    }, [times, series, stack]);
    const latest = useRef({data, series});
    latest.current = {data, series};

    useEffect(() => {
        const element = place.current!;
        const line = token('--line');
        const axis: uPlot.Axis = {
            stroke: token('--faint'),
            grid: {stroke: line, width: 1},
            ticks: {show: false},
            font: `11px ${token('--sans')}`,
        };
        const made = new uPlot(
            {
                width: element.clientWidth,
                height,
                cursor: {points: {size: 6}, y: false},
                legend: {show: false},
                padding: [10, 8, 0, 0],
                tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone),
                scales: {y: {range: (_u, _min, max) => [0, Math.max(max * 1.12, 1)]}},
                axes: [
                    {...axis, grid: {show: false}, space: 54, size: 26, values: (_u, ticks, _a, _s, step) => ticks.map((at) => tick(at, step, zone))},
                    {...axis, size: 52, space: 36, values: (_u, ticks) => ticks.map((v) => format(v))},
                ],
                series: [
                    {},
                    ...series.map((s): uPlot.Series => ({
                        label: s.label,
                        stroke: token(s.color),
                        width: 1.75,
                        ...(s.fill ? {fill: token('--chart-fill')} : {}),
                        points: {show: false},
                        ...(bars ? {paths: uPlot.paths.bars!({size: [0.7, 24], radius: 0.15}), fill: token(s.color)} : {}),
                    })),
                ],
                hooks: {
                    setCursor: [
                        (u) => {
                            const tip = element.querySelector<HTMLElement>(`.${css.tip}`)!;
                            const index = u.cursor.idx;
                            const left = u.cursor.left ?? -1;
                            if (index == null || left < 0) {
                                tip.hidden = true;
                                return;
                            }
                            const at = new Date((u.data[0][index] ?? 0) * 1_000);
                            tip.replaceChildren(
                                ...[at.toLocaleString(locale(), {timeZone: zone, dateStyle: 'short', timeStyle: 'medium', hourCycle: 'h23'} as Intl.DateTimeFormatOptions), ...u.series.slice(1).map((s, i) => {
                                    const value = latest.current.series[i]?.values[index];
                                    return `${String(s.label)}: ${value == null ? '–' : format(value)}`;
                                })].map((line) => Object.assign(document.createElement('div'), {textContent: line})),
                            );
                            tip.hidden = false;
                            const right = left > u.width * 0.6;
                            tip.style.left = right ? '' : `${left + 64}px`;
                            tip.style.right = right ? `${element.clientWidth - left - 44}px` : '';
                        },
                    ],
                },
            },
            latest.current.data,
            element,
        );
        plot.current = made;
        const observer = new ResizeObserver(() => made.setSize({width: element.clientWidth, height}));
        observer.observe(element);
        return () => {
            observer.disconnect();
            made.destroy();
        };
    }, [scheme, contrast, zone, shape, height, bars, format]);
    useEffect(() => plot.current?.setData(data), [data]);

    return (
        <figure className={css.chart}>
            <div ref={place} className={css.place} role="img" aria-label={label} style={{minHeight: height}}>
                <div className={css.tip} hidden />
            </div>
            {series.length > 1 && (
                <figcaption className={css.legend} aria-hidden>
                    {series.map((s) => <span key={s.label}><i style={{background: `var(${s.color})`}} />{s.label}</span>)}
                </figcaption>
            )}
        </figure>
    );
}
