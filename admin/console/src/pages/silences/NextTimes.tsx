// When a schedule is due next, in local time and UTC, by the appliance's own calendar.
import {useDebouncedValue} from '@mantine/hooks';
import {keepPreviousData, useQuery} from '@tanstack/react-query';
import {api, unwrap} from '@/api/client';
import {useTexts} from '@/i18n';
import {DueTimes} from '@/parts/DueTimes';
import css from './silences.module.css';
import {texts} from './texts';

export function NextTimes({schedule}: {schedule: object}) {
    const t = useTexts(texts);
    const [asked] = useDebouncedValue(JSON.stringify(schedule), 300);
    const due = useQuery({
        queryKey: ['next-times', asked],
        queryFn: ({signal}) => unwrap(api.POST('/api/v1/workflow-check', {signal, body: {name: 'schedule', expected: [{name: 'schedule', type: 'any', due: JSON.parse(asked) as object}]} as never})),
        placeholderData: keepPreviousData,
    });
    if (!due.data) return null;
    const fault = due.data.faults.find((f) => f.pointer.startsWith('/expected/0/due'));
    const times = due.data.due[0];
    return (
        <div className={css.next} role="status">
            <strong>{t('next')}</strong>
            {fault ? <p className={css.fault} data-given>{fault.what}</p> : times && times.at.length > 0 ? <DueTimes at={times.at} zone={times.zone} /> : <p>{t('next_none')}</p>}
        </div>
    );
}
