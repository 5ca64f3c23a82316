// Tell nobody of some alerts for a while: which, until when, why, and who answers for it.
import {SegmentedControl, TextInput} from '@mantine/core';
import {useState} from 'react';
import {api, unwrap} from '@/api/client';
import {applianceNow} from '@/app/clock';
import {useTexts} from '@/i18n';
import {fullTime} from '@/parts/format';
import {useZone} from '@/parts/Time';
import {AddForm, type Answered} from './AddForm';
import type {Matching} from './Match';
import {texts} from './texts';
import {instantOf, localOf} from './zoned';

export const spans = {'30m': 30, '1h': 60, '2h': 120, '4h': 240, '8h': 480, '1d': 1_440, '7d': 10_080} as const;
export type Span = keyof typeof spans;

export default function AddSilence({match: given = {}, onClose}: {match?: Matching; onClose: () => void}) {
    const t = useTexts(texts);
    const zone = useZone();
    const [long, setLong] = useState<Span | 'until'>('2h');
    const [until, setUntil] = useState(() => localOf(new Date(applianceNow() + 4 * 3_600_000), zone));
    const ends = () => (long === 'until' ? instantOf(until, zone) : new Date(applianceNow() + spans[long] * 60_000));
    const add = async ({match, owner, reason}: Answered) => {
        const end = ends()!;
        await unwrap(api.POST('/api/v1/silences', {body: {...(match as object), end: end.toISOString(), owner, reason}}));
        return t('added_silence', {time: fullTime(end, zone)});
    };
    return (
        <AddForm title={t('add_silence')} list="silences" given={given} severity reasonFirst ready={!!ends()} add={add} onClose={onClose}>
            <div>
                <SegmentedControl aria-label={t('how_long')} fullWidth value={long} onChange={(value) => setLong(value as Span | 'until')} data={[...(Object.keys(spans) as Span[]).map((value) => ({value, label: t(`span_${value}`)})), {value: 'until', label: t('until')}]} />
            </div>
            {long === 'until' && <TextInput type="datetime-local" label={t('end')} description={t('local_time', {zone})} required value={until} onChange={(event) => setUntil(event.currentTarget.value)} />}
        </AddForm>
    );
}
