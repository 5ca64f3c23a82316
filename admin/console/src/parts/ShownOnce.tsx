// A secret that the appliance shows this once.
import {Button, CopyButton, Group, Modal, Stack} from '@mantine/core';
import type {ReactNode} from 'react';
import {useTexts} from '@/i18n';
import css from './ShownOnce.module.css';
import {texts} from './texts';

export function ShownOnce({title, secret, children, onClose}: {title: string; secret: string; children?: ReactNode; onClose: () => void}) {
    const t = useTexts(texts);
    return (
        <Modal opened onClose={onClose} title={title} closeOnClickOutside={false}>
            <Stack gap="sm">
                <p>{t('shown_once')}</p>
                <code className={css.secret}>{secret}</code>
                {children}
                <Group justify="flex-end" gap="xs">
                    <CopyButton value={secret}>{({copied, copy}) => <Button variant="filled" onClick={copy}>{copied ? t('copied') : t('copy')}</Button>}</CopyButton>
                    <Button onClick={onClose}>{t('close')}</Button>
                </Group>
            </Stack>
        </Modal>
    );
}
