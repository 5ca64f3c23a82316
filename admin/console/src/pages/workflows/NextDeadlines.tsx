// The next five deadlines of a running workflow: of what is under way, and of its schedules.
import {useQuery} from '@tanstack/react-query';
import {useMemo} from 'react';
import {Link} from 'wouter';
import {api, unwrap} from '@/api/client';
import {usePreferences, zoneOf} from '@/app/preferences';
import {useMay, useSeesAll} from '@/app/session';
import {useTexts} from '@/i18n';
import {clockTime} from '@/parts/format';
import {Panel} from '@/parts/Page';
import {Countdown} from '@/parts/Time';
import {texts} from './texts';
import css from './workflows.module.css';
import {check, fetchVersion, type Workflow} from './workflows';

interface Deadline {
    rule: string;
    key?: string;
    at: string;
}
const shown = 5;

export function useNextDeadlines(workflow: Workflow | undefined): Deadline[] {
    const name = workflow?.name ?? '';
    const waiting = useQuery({
        queryKey: ['workflows', name, 'waiting'],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/workflows/{name}/instances', {signal, params: {path: {name}, query: {phase: 'pending', limit: shown}}})),
        enabled: name !== '',
        refetchInterval: 3_000,
    });
    const mayCheck = useMay('operator');
    const seesAll = useSeesAll();
    const version = workflow?.version ?? 0;
    const scheduled = useQuery({
        queryKey: ['workflows', name, 'scheduled', version],
        queryFn: async ({signal}) => check(JSON.stringify((await fetchVersion(name, version, signal)).document), signal),
        enabled: mayCheck && seesAll && version > 0 && (workflow?.rules.some((rule) => rule.kind === 'expected') ?? false),
        refetchInterval: 60_000,
        retry: false,
    });
    return useMemo(() => {
        const now = Date.now();
        const all: Deadline[] = [];
        for (const one of waiting.data?.items ?? [])
            for (const rule of one.rules)
                if (rule.deadline && (rule.phase === 'pending' || rule.phase === 'at_risk')) all.push({rule: rule.name, key: one.subject, at: rule.deadline});
        for (const rule of scheduled.data?.due ?? []) for (const at of rule.at) all.push({rule: rule.rule, at});
        // Without leave to ask for schedules there is still each rule's own next.
        if (!scheduled.data) for (const rule of workflow?.rules ?? []) if (rule.next_due && rule.kind !== 'edge') all.push({rule: rule.name, at: rule.next_due});
        return all.filter((d) => Date.parse(d.at) >= now).sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(0, shown);
    }, [waiting.data, scheduled.data, workflow]);
}

export function NextDeadlines({workflow}: {workflow: Workflow}) {
    const t = useTexts(texts);
    const zone = usePreferences(zoneOf);
    const deadlines = useNextDeadlines(workflow);
    const now = new Date();
    return (
        <Panel title={t('next')}>
            {deadlines.length === 0 ? (
                <p className={css.muted}>{t('next_none')}</p>
            ) : (
                <div className={css.scroll} tabIndex={0} role="region" aria-label={t('next')}>
                    <table className={css.table}>
                        <thead><tr><th>{t('rule')}</th><th>{t('key')}</th><th>{t('local')}</th><th>{t('utc')}</th><th /></tr></thead>
                        <tbody>
                            {deadlines.map((d) => (
                                <tr key={`${d.rule} ${d.key ?? ''} ${d.at}`} data-given>
                                    <td>{d.rule}</td>
                                    <td>{d.key && <Link href={`/console/lifecycle?key=${encodeURIComponent(d.key)}`}>{d.key}</Link>}</td>
                                    <td><time dateTime={d.at}>{clockTime(new Date(d.at), zone, now)}</time></td>
                                    <td><time dateTime={d.at}>{clockTime(new Date(d.at), 'UTC', now)}</time></td>
                                    <td><Countdown to={d.at} /></td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </Panel>
    );
}
