// An item's history: what was done, when, by whom, why.
import {useTexts} from '@/i18n';
import {LevelIcon} from '@/parts/Badge';
import {Time} from '@/parts/Time';
import type {Step} from './items';
import css from './review.module.css';
import {texts} from './texts';

const levels: Partial<Record<Step['step'], 'ok' | 'warn' | 'bad' | 'info'>> = {
    approved: 'ok', rejected: 'bad', expired: 'bad', lease_ended: 'warn', left: 'warn', escalated: 'warn', undone: 'warn', claimed: 'info',
};

export function Steps({steps}: {steps: readonly Step[]}) {
    const t = useTexts(texts);
    return (
        <ol className={css.steps}>
            {[...steps].reverse().map((step) => (
                <li key={`${step.seq}-${step.version}`}>
                    <LevelIcon level={levels[step.step] ?? 'none'} size={15} label={t(`step_${step.step}`)} />
                    <span>
                        <strong>{t(`step_${step.step}`)}</strong>
                        {step.holder && <> {t('to_whom', {name: step.holder})}</>}
                        {step.note && <q data-given>{step.note}</q>}
                    </span>
                    <span className={css.who} data-given>{step.by}</span>
                    <Time at={step.at} />
                </li>
            ))}
        </ol>
    );
}
