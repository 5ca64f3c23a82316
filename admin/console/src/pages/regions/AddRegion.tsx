import {Button, Group, Modal, Stack, Switch, TextInput} from '@mantine/core';
import {useState} from 'react';
import {api, unwrap} from '@/api/client';
import {useTexts} from '@/i18n';
import {Refused} from '@/parts/States';
import {done} from '@/parts/toast';
import {texts} from './texts';

export function AddRegion({onDone, onClose}: {onDone: () => void; onClose: () => void}) {
    const t = useTexts(texts);
    const [name, setName] = useState('');
    const [dsn, setDsn] = useState('');
    const [aliases, setAliases] = useState('');
    const [stays, setStays] = useState(false);
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const submit = async () => {
        setBusy(true);
        setError(undefined);
        const others = aliases.split(',').map((a) => a.trim()).filter(Boolean);
        try {
            await unwrap(api.POST('/api/v1/regions', {
                body: {name: name.trim(), ...(dsn.trim() ? {dsn: dsn.trim()} : {}), ...(others.length > 0 ? {aliases: others} : {}), ...(stays ? {payload: 'stays' as const} : {})},
            }));
            done(t('added', {name: name.trim()}));
            onDone();
            onClose();
        } catch (problem) {
            setError(problem);
            setBusy(false);
        }
    };
    return (
        <Modal opened onClose={onClose} title={t('add')} closeOnClickOutside={!name && !dsn}>
            <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
                <Stack gap="sm">
                    <TextInput data-autofocus label={t('name')} required pattern="[a-z0-9][a-z0-9_\-]{0,63}" value={name} onChange={(e) => setName(e.currentTarget.value)} />
                    <TextInput label={t('dsn')} description={t('dsn_hint')} spellCheck={false} autoComplete="off" value={dsn} onChange={(e) => setDsn(e.currentTarget.value)} />
                    <TextInput label={t('aliases')} description={t('aliases_hint')} value={aliases} onChange={(e) => setAliases(e.currentTarget.value)} />
                    <Switch label={t('stays')} checked={stays} onChange={(e) => setStays(e.currentTarget.checked)} />
                    <Refused error={error} />
                    <Group justify="flex-end" gap="xs">
                        <Button onClick={onClose}>{t('cancel')}</Button>
                        <Button type="submit" variant="filled" loading={busy} disabled={!name.trim()}>{t('create')}</Button>
                    </Group>
                </Stack>
            </form>
        </Modal>
    );
}
