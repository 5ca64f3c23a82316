// An instant in the user's zone, with UTC and the full figure on hover; a span; a countdown.
import {Tooltip} from '@mantine/core';
import {useNow} from '@/app/clock';
import {usePreferences, zoneOf} from '@/app/preferences';
import {useTexts} from '@/i18n';
import {ago, clockTime, fullTime, nothing, span} from './format';
import {texts} from './texts';
import css from './Time.module.css';

export const useZone = (): string => usePreferences(zoneOf);

export function Time({at, seconds = true}: {at: string | number | null | undefined; seconds?: boolean}) {
    const zone = useZone();
    const t = useTexts(texts);
    if (at == null) return <span>{nothing}</span>;
    const date = new Date(at);
    const now = new Date();
    const label = (
        <span className={css.tip}>
            <span>{t('local')}</span>
            <span>{fullTime(date, zone)}</span>
            <span>{t('utc')}</span>
            <span>{date.toISOString()}</span>
            <span />
            <span>{ago(now.getTime() - date.getTime())}</span>
        </span>
    );
    return (
        <Tooltip label={label}>
            <time dateTime={date.toISOString()} className={css.time}>
                {clockTime(date, zone, now, seconds)}
            </time>
        </Tooltip>
    );
}

/// How long ago, counting.
export function Age({at}: {at: string | null | undefined}) {
    const now = useNow(1_000);
    const zone = useZone();
    if (!at) return <span>{nothing}</span>;
    const date = new Date(at);
    return (
        <Tooltip label={fullTime(date, zone)}>
            <time dateTime={at} className={css.time}>
                {span(Math.max(0, Math.floor((now - date.getTime()) / 1000) * 1000))}
            </time>
        </Tooltip>
    );
}

/// To an instant: "in 4 min 10 s", and after it how long it is overdue. `brief`: "in 4 min".
export function Countdown({to, warnMs = 60_000, brief = false}: {to: string | null | undefined; warnMs?: number; brief?: boolean}) {
    const now = useNow(1_000);
    const zone = useZone();
    const t = useTexts(texts);
    if (!to) return <span>{nothing}</span>;
    const left = Math.ceil((Date.parse(to) - now) / 1000) * 1000;
    const level = left <= 0 ? 'bad' : left <= warnMs ? 'warn' : 'none';
    return (
        <Tooltip label={`${fullTime(new Date(to), zone)} · ${new Date(to).toISOString()}`}>
            <time dateTime={to} className={css.countdown} data-level={level}>
                {left === 0 ? t('now') : left < 0 ? t('overdue', {span: span(-left, brief)}) : t('in', {span: span(left, brief)})}
            </time>
        </Tooltip>
    );
}
