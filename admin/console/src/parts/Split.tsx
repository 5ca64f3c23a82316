// A list and, beside it, what is chosen in it; on narrow screens above it.
import {ActionIcon} from '@mantine/core';
import {IconX} from '@tabler/icons-react';
import type {ReactNode} from 'react';
import {useTexts} from '@/i18n';
import {defineAction, useShortcut} from '@/app/shortcuts';
import css from './Split.module.css';
import {texts} from './texts';

defineAction('split.close', 'escape', texts, 'close_detail');

export function Split({children, detail, title, onClose, label}: {
    children: ReactNode; detail: ReactNode | undefined; title?: ReactNode; onClose: () => void; label: string;
}) {
    const t = useTexts(texts);
    useShortcut('split.close', onClose, detail !== undefined);
    return (
        <div className={css.split} data-open={detail !== undefined || undefined}>
            <div className={css.list}>{children}</div>
            {detail !== undefined && (
                <aside className={css.detail} aria-label={label}>
                    <header>
                        <h2>{title}</h2>
                        <ActionIcon onClick={onClose} aria-label={t('close_detail')}><IconX size={17} /></ActionIcon>
                    </header>
                    <div className={css.body} tabIndex={0}>{detail}</div>
                </aside>
            )}
        </div>
    );
}
