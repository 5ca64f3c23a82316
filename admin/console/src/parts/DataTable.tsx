// Rows by the hundred thousand: only those in sight are in the document. Loads the next page when the end comes near;
// arrows or j and k move, Enter opens.
import {useVirtualizer} from '@tanstack/react-virtual';
import {type KeyboardEvent, type ReactNode, type Ref, useEffect, useImperativeHandle, useRef, useState} from 'react';
import {usePreferences} from '@/app/preferences';
import {useTexts} from '@/i18n';
import css from './DataTable.module.css';
import {Loading} from './States';
import {texts} from './texts';

export interface Column<Row> {
    id: string;
    header: ReactNode;
    cell: (row: Row) => ReactNode;
    /// A track of CSS grid: "8rem", "minmax(10rem, 2fr)".
    width: string;
    align?: 'right';
    /// Left out on narrow screens.
    wide?: boolean;
}
export interface TableHandle {
    scrollToTop(): void;
}

export function DataTable<Row>({
    rows, columns, rowKey, label, empty, loading, hasMore, loadMore, onOpen, chosen, onMove, level, height, handle,
    onScrolled, dim,
}: {
    rows: Row[];
    columns: Column<Row>[];
    rowKey: (row: Row) => string | number;
    label: string;
    empty?: ReactNode;
    loading?: boolean;
    hasMore?: boolean;
    loadMore?: () => void;
    onOpen?: (row: Row) => void;
    /// The key of the row that is shown elsewhere.
    chosen?: string | number | undefined;
    /// The row that the keyboard is on.
    onMove?: (row: Row) => void;
    /// A stripe at the row's begin.
    level?: (row: Row) => 'ok' | 'warn' | 'bad' | 'info' | undefined;
    /// Without it the table takes what height there is.
    height?: string;
    handle?: Ref<TableHandle>;
    onScrolled?: (fromTop: number) => void;
    /// Rows that are not as fresh as they should be.
    dim?: (row: Row) => boolean;
}) {
    const t = useTexts(texts);
    const scroller = useRef<HTMLDivElement>(null);
    const roomy = usePreferences((p) => p.density === 'roomy');
    const rowHeight = roomy ? 44 : 36;
    const [active, setActive] = useState<string | number | undefined>();
    const virtual = useVirtualizer({
        count: rows.length,
        getScrollElement: () => scroller.current,
        estimateSize: () => rowHeight,
        getItemKey: (index) => rowKey(rows[index]!),
        overscan: 12,
    });
    useEffect(() => virtual.measure(), [rowHeight, virtual]);
    useImperativeHandle(handle, () => ({scrollToTop: () => scroller.current?.scrollTo({top: 0})}), []);

    const items = virtual.getVirtualItems();
    const last = items[items.length - 1]?.index ?? -1;
    useEffect(() => {
        if (hasMore && !loading && last >= rows.length - 20) loadMore?.();
    }, [hasMore, loading, last, rows.length, loadMore]);

    const move = (to: number) => {
        const index = Math.max(0, Math.min(rows.length - 1, to));
        const row = rows[index];
        if (!row) return;
        virtual.scrollToIndex(index);
        setActive(rowKey(row));
        onMove?.(row);
        requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus());
    };
    const onKey = (event: KeyboardEvent, index: number) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const steps: Record<string, number> = {
            ArrowDown: index + 1, j: index + 1, ArrowUp: index - 1, k: index - 1, Home: 0, End: rows.length - 1,
            PageDown: index + 10, PageUp: index - 10,
        };
        const to = steps[event.key];
        if (to !== undefined) {
            event.preventDefault();
            event.stopPropagation();
            move(to);
        } else if (event.key === 'Enter' && onOpen && event.target === event.currentTarget) {
            event.preventDefault();
            onOpen(rows[index]!);
        }
    };

    const template = {'--columns': columns.map((c) => c.width).join(' '), '--narrow-columns': columns.filter((c) => !c.wide).map((c) => c.width).join(' ')} as React.CSSProperties;
    const tabRow = rows.findIndex((row) => rowKey(row) === active);
    // What is no row stands behind the table, not in it: a table's children are rows.
    return (
        <div className={css.table} style={{...template, ...(height ? {height} : {})}}>
            <div className={css.scroller} ref={scroller} onScroll={(event) => onScrolled?.(event.currentTarget.scrollTop)}>
                <div role="table" aria-label={label} aria-rowcount={hasMore ? -1 : rows.length + 1}>
                    <div className={css.head} role="rowgroup">
                        <div className={css.row} role="row" aria-rowindex={1}>
                            {columns.map((column) => (
                                <div key={column.id} role="columnheader" className={css.cell} data-align={column.align} data-wide={column.wide || undefined}>
                                    {column.header}
                                </div>
                            ))}
                        </div>
                    </div>
                    <div role="rowgroup" className={css.rows} style={{height: virtual.getTotalSize()}}>
                        {items.map((item) => {
                            const row = rows[item.index]!;
                            const key = rowKey(row);
                            return (
                                <div
                                    key={item.key}
                                    role="row"
                                    aria-rowindex={item.index + 2}
                                    aria-current={chosen === key || undefined}
                                    data-index={item.index}
                                    data-level={level?.(row)}
                                    data-open={onOpen ? true : undefined}
                                    data-dim={dim?.(row) || undefined}
                                    className={css.row}
                                    style={{height: rowHeight, transform: `translateY(${item.start}px)`}}
                                    tabIndex={item.index === (tabRow < 0 ? 0 : tabRow) ? 0 : -1}
                                    onClick={(event) => {
                                        if (!onOpen || (event.target as HTMLElement).closest('a, button, input, label')) return;
                                        setActive(key);
                                        onOpen(row);
                                    }}
                                    onKeyDown={(event) => onKey(event, item.index)}
                                >
                                    {columns.map((column) => (
                                        <div key={column.id} role="cell" className={css.cell} data-align={column.align} data-wide={column.wide || undefined}>
                                            {column.cell(row)}
                                        </div>
                                    ))}
                                </div>
                            );
                        })}
                    </div>
                </div>
                {rows.length === 0 && (loading ? <Loading /> : empty)}
                {rows.length > 0 && loadMore && (
                    <p className={css.end}>{hasMore || loading ? t('more_rows') : t('all_rows', {count: rows.length})}</p>
                )}
            </div>
        </div>
    );
}
