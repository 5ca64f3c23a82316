// What the forms of a silence and of a window have in common: which alerts, who answers for it, why, and the sending.
import {Button, Group, Modal, Stack, Textarea, TextInput} from '@mantine/core';
import {useQueryClient} from '@tanstack/react-query';
import {type ReactNode, useState} from 'react';
import {useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {Refused} from '@/parts/States';
import {done} from '@/parts/toast';
import {filled, MatchFields, matchesSomething, type Matching} from './Match';
import {texts} from './texts';

export interface Answered {
    match: Matching;
    owner: string;
    reason: string;
}

export function AddForm({title, list, given, severity, reasonFirst, ready, add, children, onClose}: {
    title: string;
    /// The query of what one is added to.
    list: string;
    given: Matching;
    severity?: boolean;
    /// Whether the reason has the focus at first.
    reasonFirst?: boolean;
    /// Whether the fields between are filled.
    ready: boolean;
    /// Sends it, and returns what is told then.
    add: (answered: Answered) => Promise<string>;
    children: ReactNode;
    onClose: () => void;
}) {
    const t = useTexts(texts);
    const me = useMe();
    const queries = useQueryClient();
    const [match, setMatch] = useState<Matching>(given);
    const [owner, setOwner] = useState(me.name);
    const [reason, setReason] = useState('');
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const submit = async () => {
        setBusy(true);
        setError(undefined);
        try {
            done(await add({match: filled(match), owner: owner.trim(), reason: reason.trim()}));
            void queries.invalidateQueries({queryKey: [list]});
            void queries.invalidateQueries({queryKey: ['alerts']});
            onClose();
        } catch (refused) {
            setError(refused);
            setBusy(false);
        }
    };
    return (
        <Modal opened onClose={onClose} title={title} size="lg" closeOnClickOutside={!reason}>
            <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
                <Stack gap="sm">
                    <MatchFields match={match} onChange={setMatch} {...(severity ? {severity} : {})} />
                    {children}
                    <TextInput label={t('owner')} required maxLength={1024} value={owner} onChange={(event) => setOwner(event.currentTarget.value)} />
                    <Textarea {...(reasonFirst ? {'data-autofocus': true} : {})} label={t('reason')} description={t('reason_needed')} required autosize minRows={2} maxLength={1024} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
                    <Refused error={error} />
                    <Group justify="flex-end" gap="xs">
                        <Button onClick={onClose}>{t('cancel')}</Button>
                        <Button type="submit" variant="filled" loading={busy} disabled={!ready || !matchesSomething(match) || !owner.trim() || !reason.trim()}>{title}</Button>
                    </Group>
                </Stack>
            </form>
        </Modal>
    );
}
