// A state: colour, icon and text together; colour is never alone.
import {
    IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconExclamationCircle, IconInfoCircle,
} from '@tabler/icons-react';
import type {ReactNode} from 'react';
import {useTexts} from '@/i18n';
import css from './Badge.module.css';
import {texts} from './texts';

export type Level = 'ok' | 'warn' | 'bad' | 'info' | 'none';
const icons = {ok: IconCircleCheck, warn: IconAlertTriangle, bad: IconExclamationCircle, info: IconInfoCircle, none: IconCircleDashed};

/// `label` '': what stands beside it says the same.
export function LevelIcon({level, size = 16, label}: {level: Level; size?: number; label?: string}) {
    const t = useTexts(texts);
    const Icon = icons[level];
    const says = label ?? t(level);
    const named = says ? {role: 'img', 'aria-label': says} : {'aria-hidden': true};
    return <Icon size={size} stroke={2} className={css.icon} data-level={level} {...named} />;
}

/// `quiet`: no ground behind it, as in the rows of a table.
export function Badge({level, children, quiet}: {level: Level; children: ReactNode; quiet?: boolean}) {
    const Icon = icons[level];
    return (
        <span className={css.badge} data-level={level} data-quiet={quiet || undefined}>
            <Icon size={14} stroke={2.2} aria-hidden />
            <span>{children}</span>
        </span>
    );
}

/// 1 to 5, 5 the worst.
export function severityLevel(severity: number | undefined): Level {
    return severity === undefined || severity === 0 ? 'none' : severity >= 4 ? 'bad' : severity === 3 ? 'warn' : 'info';
}
export function Severity({value}: {value: number | undefined}) {
    return (
        <span className={css.severity} data-level={severityLevel(value)}>
            <span className={css.bars} aria-hidden>
                {[1, 2, 3, 4, 5].map((step) => (
                    <i key={step} data-on={step <= (value ?? 0) || undefined} />
                ))}
            </span>
            {value || '–'}
        </span>
    );
}
