// Asks once more before something ends early.
import {Button, Group, Modal, Stack} from '@mantine/core';
import {useState} from 'react';
import {useTexts} from '@/i18n';
import {Refused} from '@/parts/States';
import {texts} from './texts';

export function EndDialog({title, more, run, onClose}: {title: string; more: string; run: () => Promise<void>; onClose: () => void}) {
    const t = useTexts(texts);
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const submit = async () => {
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
                <p>{more}</p>
                <Refused error={error} />
                <Group justify="flex-end" gap="xs">
                    <Button onClick={onClose}>{t('cancel')}</Button>
                    <Button variant="filled" data-autofocus loading={busy} onClick={() => void submit()}>{t('expire')}</Button>
                </Group>
            </Stack>
        </Modal>
    );
}
