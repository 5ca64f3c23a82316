// Tell nobody of some alerts for a while: which, until when, why, and who answers for it.
import {Button, Group, Modal, SegmentedControl, Stack, Textarea, TextInput} from '@mantine/core';
import {useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {api, unwrap} from '@/api/client';
import {applianceNow} from '@/app/clock';
import {useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {fullTime} from '@/parts/format';
import {Refused} from '@/parts/States';
import {useZone} from '@/parts/Time';
import {done} from '@/parts/toast';
import {filled, MatchFields, matchesSomething, type Matching} from './Match';
import {texts} from './texts';
import {instantOf, localOf} from './zoned';

export const spans = {'30m': 30, '1h': 60, '2h': 120, '4h': 240, '8h': 480, '1d': 1_440, '7d': 10_080} as const;
export type Span = keyof typeof spans;

export default function AddSilence({match: given = {}, onClose}: {match?: Matching; onClose: () => void}) {
    const t = useTexts(texts);
    const me = useMe();
    const zone = useZone();
    const queries = useQueryClient();
    const [match, setMatch] = useState<Matching>(given);
    const [long, setLong] = useState<Span | 'until'>('2h');
    const [until, setUntil] = useState(() => localOf(new Date(applianceNow() + 4 * 3_600_000), zone));
    const [owner, setOwner] = useState(me.name);
    const [reason, setReason] = useState('');
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const ends = () => (long === 'until' ? instantOf(until, zone) : new Date(applianceNow() + spans[long] * 60_000));
    const submit = async () => {
        const end = ends();
        if (!end) return;
        setBusy(true);
        setError(undefined);
        try {
            await unwrap(api.POST('/api/v1/silences', {body: {...(filled(match) as object), end: end.toISOString(), owner: owner.trim(), reason: reason.trim()}}));
            done(t('added_silence', {time: fullTime(end, zone)}));
            void queries.invalidateQueries({queryKey: ['silences']});
            void queries.invalidateQueries({queryKey: ['alerts']});
            onClose();
        } catch (refused) {
            setError(refused);
            setBusy(false);
        }
    };
    return (
        <Modal opened onClose={onClose} title={t('add_silence')} size="lg" closeOnClickOutside={!reason}>
            <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
                <Stack gap="sm">
                    <MatchFields match={match} onChange={setMatch} severity />
                    <div>
                        <SegmentedControl aria-label={t('how_long')} fullWidth value={long} onChange={(value) => setLong(value as Span | 'until')} data={[...(Object.keys(spans) as Span[]).map((value) => ({value, label: t(`span_${value}`)})), {value: 'until', label: t('until')}]} />
                    </div>
                    {long === 'until' && <TextInput type="datetime-local" label={t('end')} description={t('local_time', {zone})} required value={until} onChange={(event) => setUntil(event.currentTarget.value)} />}
                    <TextInput label={t('owner')} required maxLength={1024} value={owner} onChange={(event) => setOwner(event.currentTarget.value)} />
                    <Textarea data-autofocus label={t('reason')} description={t('reason_needed')} required autosize minRows={2} maxLength={1024} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
                    <Refused error={error} />
                    <Group justify="flex-end" gap="xs">
                        <Button onClick={onClose}>{t('cancel')}</Button>
                        <Button type="submit" variant="filled" loading={busy} disabled={!matchesSomething(match) || !owner.trim() || !reason.trim() || !ends()}>{t('add_silence')}</Button>
                    </Group>
                </Stack>
            </form>
        </Modal>
    );
}
