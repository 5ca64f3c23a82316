// When what would have fired: a lane each for what is added, removed and moved. A bar chooses its stretch.
import {UnstyledButton} from '@mantine/core';
import {useMemo} from 'react';
import {useTexts} from '@/i18n';
import {clockTime, count} from '@/parts/format';
import {useZone} from '@/parts/Time';
import {texts} from '../texts';
import css from './edit.module.css';
import {binned, type Found, kinds} from './findings';

export const binCount = 90;

export function Timeline({found, total, chosen, onChoose}: {found: readonly Found[]; total: number; chosen: number | undefined; onChoose: (bin: number | undefined) => void}) {
    const t = useTexts(texts);
    const zone = useZone();
    const bins = useMemo(() => binned(found, binCount), [found]);
    const time = (bin: number) => clockTime(new Date(bins.from + bin * bins.step), zone, new Date(), bins.step < 60_000);
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * (binCount - 1)));
    return (
        <figure className={css.timeline} aria-label={t('timeline')}>
            {kinds.map((kind) => (
                <div key={kind} className={css.lane} data-kind={kind}>
                    <span>{t(kind)}</span>
                    <div className={css.bars}>
                        {bins.counts[kind].map((n, bin) =>
                            n === 0 ? <i key={bin} /> : (
                                <UnstyledButton
                                    key={bin} aria-label={t('timeline_at', {kind: t(kind), count: n, time: time(bin)})} title={t('timeline_at', {kind: t(kind), count: n, time: time(bin)})}
                                    aria-pressed={chosen === bin} onClick={() => onChoose(chosen === bin ? undefined : bin)}
                                >
                                    <b style={{height: `${Math.max(12, (100 * n) / bins.most)}%`}} />
                                </UnstyledButton>
                            ),
                        )}
                    </div>
                </div>
            ))}
            <div className={css.axis} aria-hidden>{ticks.map((bin) => <time key={bin}>{time(bin)}</time>)}</div>
            {found.length < total && <figcaption className={css.muted}>{t('timeline_part', {shown: count(found.length), total: count(total)})}</figcaption>}
        </figure>
    );
}
