// Steps of an alert, the newest first: what happened, who did it, why.
import {useTexts} from '@/i18n';
import {type Level, LevelIcon} from '@/parts/Badge';
import {Time} from '@/parts/Time';
import type {AlertStep} from './alerts';
import css from './alerts.module.css';
import {texts} from './texts';

const levels: Partial<Record<AlertStep['step'], Level>> = {
    firing: 'bad', worse: 'bad', acked: 'warn', assigned: 'info', resolved: 'ok', flapping: 'warn', steady: 'ok', sent: 'ok', not_sent: 'none', unacked: 'warn',
};

export function AlertSteps({steps}: {steps: readonly AlertStep[]}) {
    const t = useTexts(texts);
    return (
        <ol className={css.steps}>
            {[...steps].reverse().map((step, i) => (
                <li key={`${step.seq}-${step.step}-${i}`}>
                    <LevelIcon level={levels[step.step] ?? 'none'} size={15} label="" />
                    <span>
                        <strong>{t(`step_${step.step}`)}</strong>
                        {step.cause && <span data-given> {step.cause}</span>}
                        {step.note && <q data-given>{step.note}</q>}
                    </span>
                    {step.by !== 'penstock' && <span className={css.who} data-given>{step.by}</span>}
                    <Time at={step.at} />
                </li>
            ))}
        </ol>
    );
}

/// Of a command that was refused because the alert changed.
export function ChangedNote({state, steps}: {state: AlertStep['step'] | 'pending'; steps: readonly AlertStep[]}) {
    const t = useTexts(texts);
    const named = state === 'firing' || state === 'acked' || state === 'resolved' || state === 'pending' ? t(`state_${state}`) : state;
    return (
        <section className={css.changed} role="alert">
            <strong>{t('conflict')}</strong>
            <p>{t('conflict_now', {state: named})}</p>
            <AlertSteps steps={steps} />
            <p>{t('conflict_again')}</p>
        </section>
    );
}
