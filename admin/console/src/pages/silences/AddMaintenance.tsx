// Announce planned work: once, every week, or by any schedule; what is due by it is shown before it is added.
import {Chip, Group, SegmentedControl, Select, Textarea, TextInput} from '@mantine/core';
import {useState} from 'react';
import {api, unwrap} from '@/api/client';
import {applianceNow} from '@/app/clock';
import {useTexts} from '@/i18n';
import {useZone} from '@/parts/Time';
import {AddForm, type Answered} from './AddForm';
import type {Matching} from './Match';
import {NextTimes} from './NextTimes';
import css from './silences.module.css';
import {texts} from './texts';
import {instantOf, localOf} from './zoned';

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

function parsed(text: string): object | undefined {
    try {
        const value: unknown = JSON.parse(text);
        return typeof value === 'object' && value !== null ? value : undefined;
    } catch {
        return undefined;
    }
}

export default function AddMaintenance({match: given = {}, onClose}: {match?: Matching; onClose: () => void}) {
    const t = useTexts(texts);
    const zone = useZone();
    const [effect, setEffect] = useState<'mute' | 'do_not_expect'>('mute');
    const [when, setWhen] = useState<'once' | 'weekly' | 'custom'>('once');
    const [begin, setBegin] = useState(() => localOf(new Date(applianceNow()), zone));
    const [end, setEnd] = useState(() => localOf(new Date(applianceNow() + 2 * 3_600_000), zone));
    const [weekdays, setWeekdays] = useState<string[]>(['sun']);
    const [at, setAt] = useState('02:00');
    const [of, setOf] = useState(zone);
    const [custom, setCustom] = useState(() => JSON.stringify({zone, weekdays: ['sun'], at: '02:00'}, null, 1));
    const [duration, setDuration] = useState('2h');
    const [lastDate, setLastDate] = useState('');
    const schedule = when === 'weekly' ? {zone: of, weekdays, at} : when === 'custom' ? parsed(custom) : undefined;
    const ready = !!(when === 'once' ? instantOf(begin, zone) && instantOf(end, zone) : schedule && duration);
    const add = async ({match: {severity_at_least: _notHere, ...match}, owner, reason}: Answered) => {
        await unwrap(
            api.POST('/api/v1/maintenance', {
                body: {
                    ...(match as object), effect, owner, reason,
                    ...(schedule
                        ? {schedule: schedule as Record<string, never>, duration, ...(lastDate ? {last_date: lastDate} : {})}
                        : {begin: instantOf(begin, zone)!.toISOString(), end: instantOf(end, zone)!.toISOString()}),
                },
            }),
        );
        return t('added_maintenance');
    };
    return (
        <AddForm title={t('add_maintenance')} list="maintenance" given={given} ready={ready} add={add} onClose={onClose}>
            <Select label={t('effect')} allowDeselect={false} value={effect} onChange={(value) => setEffect(value as typeof effect)} data={[{value: 'mute', label: t('effect_mute')}, {value: 'do_not_expect', label: t('effect_do_not_expect')}]} />
            <SegmentedControl aria-label={t('when')} value={when} onChange={(value) => setWhen(value as typeof when)} data={(['once', 'weekly', 'custom'] as const).map((value) => ({value, label: t(value)}))} />
            {when === 'once' && (
                <div className={css.row}>
                    <TextInput type="datetime-local" label={t('begin')} description={t('local_time', {zone})} required value={begin} onChange={(event) => setBegin(event.currentTarget.value)} />
                    <TextInput type="datetime-local" label={t('end')} description={t('local_time', {zone})} required value={end} onChange={(event) => setEnd(event.currentTarget.value)} />
                </div>
            )}
            {when === 'weekly' && (
                <>
                    <Chip.Group multiple value={weekdays} onChange={setWeekdays}>
                        <Group gap={6} role="group" aria-label={t('weekdays')}>{days.map((day) => <Chip key={day} size="xs" value={day}>{t(day)}</Chip>)}</Group>
                    </Chip.Group>
                    <div className={css.row}>
                        <TextInput type="time" label={t('at')} required value={at} onChange={(event) => setAt(event.currentTarget.value)} />
                        <Select label={t('zone')} searchable limit={100} allowDeselect={false} data={[...new Set([zone, 'UTC', ...Intl.supportedValuesOf('timeZone')])]} value={of} onChange={(value) => setOf(value ?? zone)} />
                    </div>
                </>
            )}
            {when === 'custom' && <Textarea classNames={{input: css.code!}} label={t('schedule')} description={t('schedule_more')} autosize minRows={4} maxRows={12} value={custom} error={parsed(custom) ? undefined : t('not_json')} onChange={(event) => setCustom(event.currentTarget.value)} />}
            {when !== 'once' && (
                <div className={css.row}>
                    <TextInput label={t('duration')} description={t('duration_more')} required value={duration} onChange={(event) => setDuration(event.currentTarget.value)} />
                    <TextInput type="date" label={t('last_date')} value={lastDate} onChange={(event) => setLastDate(event.currentTarget.value)} />
                </div>
            )}
            {schedule && <NextTimes schedule={schedule} />}
        </AddForm>
    );
}
