import {Button, Modal, UnstyledButton} from '@mantine/core';
import {useEffect, useState} from 'react';
import {useTexts} from '@/i18n';
import {setPreference, usePreferences} from '../preferences';
import {allActions, keysOf, pressOf, showKeys} from '../shortcuts';
import {texts} from '../texts';
import css from './Dialogs.module.css';

export default function ShortcutsDialog({onClose}: {onClose: () => void}) {
    const t = useTexts(texts);
    const remapped = usePreferences((p) => p.shortcuts);
    const [changing, setChanging] = useState<string>();
    useEffect(() => {
        if (!changing) return;
        const onKey = (event: KeyboardEvent) => {
            const press = pressOf(event);
            if (!press) return;
            event.preventDefault();
            event.stopPropagation();
            if (press !== 'escape') setPreference('shortcuts', {...remapped, [changing]: press});
            setChanging(undefined);
        };
        window.addEventListener('keydown', onKey, true);
        return () => window.removeEventListener('keydown', onKey, true);
    }, [changing, remapped]);
    return (
        <Modal opened onClose={onClose} title={t('shortcuts')} closeOnEscape={!changing} size="md">
            <p className={css.hint}>{t('shortcuts_more')}</p>
            <ul className={css.keys}>
                {allActions().map((action) => (
                    <li key={action.id}>
                        <span>{action.id.startsWith('go.') ? t('go', {page: action.label()}) : action.label()}</span>
                        <UnstyledButton className={css.key} data-changing={changing === action.id || undefined} aria-label={t('shortcut_change', {action: action.label()})} onClick={() => setChanging(action.id)}>
                            {changing === action.id ? t('shortcut_press') : <kbd className={css.kbd}>{showKeys(keysOf(action.id, remapped))}</kbd>}
                        </UnstyledButton>
                    </li>
                ))}
            </ul>
            <Button mt="md" disabled={Object.keys(remapped).length === 0} onClick={() => setPreference('shortcuts', {})}>{t('shortcut_reset')}</Button>
        </Modal>
    );
}
