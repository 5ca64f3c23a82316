// A key figure: its name, its value, and what it means.
import type {ReactNode} from 'react';
import {Link} from 'wouter';
import {type Level, LevelIcon} from './Badge';
import css from './Figure.module.css';

export function Figures({children}: {children: ReactNode}) {
    return <div className={css.figures}>{children}</div>;
}

export function Figure({name, value, unit, more, level, to}: {
    name: string; value: ReactNode; unit?: string; more?: ReactNode; level?: Level; to?: string;
}) {
    const body = (
        <>
            <span className={css.name}>{level && level !== 'none' && <LevelIcon level={level} size={14} />}{name}</span>
            <span className={css.value} data-level={level}>{value}{unit && <small> {unit}</small>}</span>
            <span className={css.more}>{more}</span>
        </>
    );
    return to ? <Link href={to} className={css.figure}>{body}</Link> : <div className={css.figure}>{body}</div>;
}
