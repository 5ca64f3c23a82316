// A chart over time (uPlot). Its code comes with the pages that draw one.
import {useEffect, useMemo, useRef} from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import {useComputedColorScheme} from '@mantine/core';
import {usePreferences} from '@/app/preferences';
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

const token = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function Chart({times, series, height = 168, label, format = short, bars}: {
    /// Unix seconds.
    times: number[];
    series: Series[];
    height?: number;
    /// What is drawn, for who does not see it.
    label: string;
    format?: (value: number) => string;
    bars?: boolean;
}) {
    const place = useRef<HTMLDivElement>(null);
    const plot = useRef<uPlot>(undefined);
    const scheme = useComputedColorScheme();
    const contrast = usePreferences((p) => p.contrast);
    const zone = useZone();
    const shape = series.map((s) => `${s.label}|${s.color}|${s.fill}`).join();
    const data = useMemo(() => [times, ...series.map((s) => s.values)] as uPlot.AlignedData, [times, series]);
    const latest = useRef(data);
    latest.current = data;

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
                    {...axis, grid: {show: false}, space: 70, size: 26, values: '{HH}:{mm}' as never},
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
                                ...[at.toLocaleTimeString(undefined, {timeZone: zone, hourCycle: 'h23'}), ...u.series.slice(1).map((s, i) => {
                                    const value = u.data[i + 1]?.[index];
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
            latest.current,
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
