// A page's frame: its title, what can be done, and panels.
import {type ReactNode, useEffect} from 'react';
import css from './Page.module.css';

/// `fill`: its content takes the window's height and scrolls by itself, as long lists do.
/// `given`: the title is a name out of the data.
export function Page({title, given, note, actions, children, fill}: {
    title: string; given?: boolean; note?: ReactNode; actions?: ReactNode; children: ReactNode; fill?: boolean;
}) {
    useEffect(() => {
        document.title = `${title} · Penstock`;
    }, [title]);
    return (
        <div className={css.page} data-fill={fill || undefined}>
            <header className={css.head}>
                <div className={css.titles}>
                    <h1 {...(given ? {'data-given': true} : {})}>{title}</h1>
                    {note && <div className={css.note}>{note}</div>}
                </div>
                {actions && <div className={css.actions}>{actions}</div>}
            </header>
            {children}
        </div>
    );
}

export function Panel({title, note, actions, children, flush, label}: {
    title?: ReactNode; note?: ReactNode; actions?: ReactNode; children: ReactNode; flush?: boolean; label?: string;
}) {
    return (
        <section className={css.panel} aria-label={label ?? (typeof title === 'string' ? title : undefined)}>
            {(title || actions) && (
                <header className={css.panelHead}>
                    <h2>{title}</h2>
                    {note && <div className={css.note}>{note}</div>}
                    {actions && <div className={css.actions}>{actions}</div>}
                </header>
            )}
            <div className={css.body} data-flush={flush || undefined}>{children}</div>
        </section>
    );
}

/// Names and values, one below the other.
export function Facts({items}: {items: [name: ReactNode, value: ReactNode][]}) {
    return (
        <dl className={css.facts}>
            {items.map(([name, value], i) => (
                <div key={i}>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            ))}
        </dl>
    );
}
