// Asks for a reason before something is done. What was typed stays when it is refused.
import {Button, Group, Modal, Stack, Textarea} from '@mantine/core';
import {type ReactNode, useState} from 'react';
import {useTexts} from '@/i18n';
import {Refused} from './States';
import {texts} from './texts';

export function ReasonDialog({title, action, children, danger, optional, onDone, onClose, run}: {
    title: string;
    /// What the button says.
    action: string;
    children?: ReactNode;
    danger?: boolean;
    optional?: boolean;
    run: (reason: string) => Promise<unknown>;
    onDone?: () => void;
    onClose: () => void;
}) {
    const t = useTexts(texts);
    const [reason, setReason] = useState('');
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const submit = async () => {
        setBusy(true);
        setError(undefined);
        try {
            await run(reason.trim());
            onDone?.();
            onClose();
        } catch (refused) {
            setError(refused);
            setBusy(false);
        }
    };
    return (
        <Modal opened onClose={onClose} title={title} closeOnClickOutside={!reason}>
            <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
                <Stack gap="sm">
                    {children}
                    <Textarea
                        data-autofocus
                        autosize
                        minRows={2}
                        maxRows={8}
                        label={t('reason')}
                        description={optional ? undefined : t('reason_needed')}
                        required={!optional}
                        maxLength={1024}
                        value={reason}
                        onChange={(event) => setReason(event.currentTarget.value)}
                        onKeyDown={(event) => {
                            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
                        }}
                    />
                    <Refused error={error} />
                    <Group justify="flex-end" gap="xs">
                        <Button onClick={onClose}>{t('cancel')}</Button>
                        <Button type="submit" variant="filled" {...(danger ? {color: 'red'} : {})} loading={busy} disabled={!optional && !reason.trim()}>
                            {action}
                        </Button>
                    </Group>
                </Stack>
            </form>
        </Modal>
    );
}
