// Figures, times and spans as people read them, in their language and zone.
import {locale} from '@/i18n';

const numberFormats = new Map<string, Intl.NumberFormat>();
function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
    const key = locale() + JSON.stringify(options);
    let format = numberFormats.get(key);
    if (!format) numberFormats.set(key, (format = new Intl.NumberFormat(locale(), options)));
    return format;
}
const dateFormats = new Map<string, Intl.DateTimeFormat>();
function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = locale() + JSON.stringify(options);
    let format = dateFormats.get(key);
    if (!format) dateFormats.set(key, (format = new Intl.DateTimeFormat(locale(), options)));
    return format;
}

export const nothing = '–';

export function count(value: number | null | undefined): string {
    return value == null ? nothing : numberFormat({maximumFractionDigits: 0}).format(value);
}
/// 1,234 as it is, 1.23M shortened.
export function short(value: number | null | undefined): string {
    if (value == null) return nothing;
    if (Math.abs(value) < 10_000) return numberFormat({maximumFractionDigits: Math.abs(value) < 10 && value % 1 !== 0 ? 1 : 0}).format(value);
    return numberFormat({notation: 'compact', maximumSignificantDigits: 3}).format(value);
}
export function bytes(value: number | null | undefined): string {
    if (value == null) return nothing;
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
    let unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
        value /= 1000;
        unit += 1;
    }
    return numberFormat({style: 'unit', unit: units[unit]!, unitDisplay: unit === 0 ? 'narrow' : 'short', maximumSignificantDigits: 3}).format(value);
}
export function percent(part: number): string {
    return numberFormat({style: 'percent', maximumFractionDigits: part < 0.1 ? 1 : 0}).format(part);
}
export function micros(value: number | null | undefined): string {
    if (value == null) return nothing;
    if (value < 1_000) return `${numberFormat({maximumFractionDigits: 0}).format(value)} µs`;
    return span(value / 1_000);
}

const parts: [number, string][] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
];
/// "2 h 5 min": the two largest units; below ten seconds with a decimal, below one in ms.
export function span(ms: number | null | undefined, brief = false): string {
    if (ms == null) return nothing;
    if (ms < 0) return `−${span(-ms, brief)}`;
    if (ms < 1_000) return `${numberFormat({maximumFractionDigits: ms < 10 ? 1 : 0}).format(ms)} ms`;
    if (ms < 10_000) return `${numberFormat({maximumFractionDigits: 1}).format(ms / 1_000)} s`;
    const first = parts.findIndex(([size]) => ms >= size);
    const [size, name] = parts[first]!;
    const whole = Math.floor(ms / size);
    const next = brief ? undefined : parts[first + 1];
    const rest = next ? Math.floor((ms - whole * size) / next[0]) : 0;
    return rest > 0 && next ? `${count(whole)} ${name} ${rest} ${next[1]}` : `${count(whole)} ${name}`;
}

const sameDay = (a: Date, b: Date, zone: string) => {
    const day = dateFormat({timeZone: zone, year: 'numeric', month: 'numeric', day: 'numeric'});
    return day.format(a) === day.format(b);
};
/// The time alone when it is today, else with its date.
export function clockTime(at: Date, zone: string, now: Date, withSeconds = true): string {
    const time: Intl.DateTimeFormatOptions = {
        timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...(withSeconds ? {second: '2-digit'} : {}),
    };
    if (sameDay(at, now, zone)) return dateFormat(time).format(at);
    const sameYear = Math.abs(at.getTime() - now.getTime()) < 180 * 86_400_000;
    return dateFormat({...time, day: 'numeric', month: 'short', ...(sameYear ? {} : {year: 'numeric'})}).format(at);
}
export function fullTime(at: Date, zone: string): string {
    return dateFormat({
        timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
        second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23', timeZoneName: 'short',
    }).format(at);
}
export function ago(ms: number): string {
    const format = new Intl.RelativeTimeFormat(locale(), {numeric: 'auto', style: 'short'});
    const steps: [number, Intl.RelativeTimeFormatUnit][] = [[86_400_000, 'day'], [3_600_000, 'hour'], [60_000, 'minute'], [1_000, 'second']];
    const [size, unit] = steps.find(([s]) => Math.abs(ms) >= s) ?? steps[3]!;
    return format.format(-Math.trunc(ms / size), unit);
}
