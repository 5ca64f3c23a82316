// What a page shows when there is nothing, nothing yet, or something went wrong.
import {Button, Skeleton} from '@mantine/core';
import {IconCloudOff, IconLock, IconMoodEmpty, IconPlugConnectedX} from '@tabler/icons-react';
import type {ReactNode} from 'react';
import {ProblemError} from '@/api/client';
import {useTexts} from '@/i18n';
import css from './States.module.css';
import {texts} from './texts';

export function Empty({title, children, icon, action}: {title: string; children?: ReactNode; icon?: ReactNode; action?: ReactNode}) {
    return (
        <div className={css.state}>
            <span className={css.mark} aria-hidden>{icon ?? <IconMoodEmpty size={28} stroke={1.4} />}</span>
            <p className={css.title}>{title}</p>
            {children && <p className={css.more}>{children}</p>}
            {action}
        </div>
    );
}

export function Loading({rows = 6}: {rows?: number}) {
    const t = useTexts(texts);
    return (
        <div className={css.loading} role="status" aria-label={t('loading')}>
            {Array.from({length: rows}, (_, i) => (
                <Skeleton key={i} height={14} radius={4} width={`${92 - ((i * 37) % 45)}%`} />
            ))}
        </div>
    );
}

/// A problem as the appliance told it. `retry`: what to do again.
export function Trouble({error, retry}: {error: unknown; retry?: () => void}) {
    const t = useTexts(texts);
    const problem = error instanceof ProblemError ? error.problem : undefined;
    const unreachable = error instanceof ProblemError && !problem;
    const forbidden = problem?.status === 403;
    const Icon = unreachable ? IconCloudOff : forbidden ? IconLock : IconPlugConnectedX;
    return (
        <div className={css.state} role="alert">
            <span className={css.mark} data-level={forbidden ? 'none' : 'bad'} aria-hidden><Icon size={28} stroke={1.4} /></span>
            <p className={css.title}>{unreachable ? t('unreachable') : forbidden ? t('not_seen') : (problem?.title ?? t('failed'))}</p>
            <p className={css.more}>{unreachable ? t('unreachable_more') : (problem?.detail ?? String(error))}</p>
            {problem?.errors && problem.errors.length > 1 && (
                <ul className={css.faults}>
                    {problem.errors.map((fault) => (
                        <li key={fault.parameter}><code>{fault.parameter}</code> {fault.detail}</li>
                    ))}
                </ul>
            )}
            {retry && !forbidden && <Button onClick={retry}>{t('retry')}</Button>}
        </div>
    );
}

/// The same in a line, beside a form.
export function Refused({error}: {error: unknown}) {
    const t = useTexts(texts);
    if (!error) return null;
    const problem = error instanceof ProblemError ? error.problem : undefined;
    return (
        <p className={css.refused} role="alert">
            <strong>{problem?.title ?? t(error instanceof ProblemError ? 'unreachable' : 'refused')}</strong>
            {problem?.detail && <> {problem.detail}</>}
        </p>
    );
}
