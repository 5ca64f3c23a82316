// Asks before what cannot be undone.
import {Button, Group, Modal, Stack} from '@mantine/core';
import {type ReactNode, useState} from 'react';
import {useTexts} from '@/i18n';
import {Refused} from './States';
import {texts} from './texts';

export function Confirm({title, action, children, run, onClose}: {
    title: string; action: string; children?: ReactNode; run: () => Promise<unknown>; onClose: () => void;
}) {
    const t = useTexts(texts);
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const go = async () => {
        setBusy(true);
        try {
            await run();
            onClose();
        } catch (refused) {
            setError(refused);
            setBusy(false);
        }
    };
    return (
        <Modal opened onClose={onClose} title={title}>
            <Stack gap="sm">
                {children ?? <p>{t('confirm_more')}</p>}
                <Refused error={error} />
                <Group justify="flex-end" gap="xs">
                    <Button onClick={onClose} data-autofocus>{t('cancel')}</Button>
                    <Button variant="filled" color="red" loading={busy} onClick={() => void go()}>{action}</Button>
                </Group>
            </Stack>
        </Modal>
    );
}
