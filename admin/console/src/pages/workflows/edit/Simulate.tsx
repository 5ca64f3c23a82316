// Runs the document over what was received: progress, a way to stop, and what would have been different.
import {Button, Progress, Select} from '@mantine/core';
import {IconPlayerPlay, IconPlayerStop} from '@tabler/icons-react';
import {useQuery} from '@tanstack/react-query';
import {useMemo, useState} from 'react';
import {Link} from 'wouter';
import {api, unwrap} from '@/api/client';
import {applianceNow} from '@/app/clock';
import {useTexts} from '@/i18n';
import {Badge, type Level, Severity} from '@/parts/Badge';
import {type Column, DataTable} from '@/parts/DataTable';
import {count, percent, short} from '@/parts/format';
import {Panel} from '@/parts/Page';
import {Refused} from '@/parts/States';
import {Time} from '@/parts/Time';
import {texts} from '../texts';
import css from './edit.module.css';
import {allFound, binned, binOf, type Found, kinds, type Simulation} from './findings';
import {binCount, Timeline} from './Timeline';

const spans = {'1h': 1, '24h': 24, '7d': 168, '30d': 720, all: 0} as const;
type Span = keyof typeof spans;
const kindLevels: Record<(typeof kinds)[number], Level> = {added: 'bad', removed: 'ok', moved: 'warn'};

function RuleCounts({simulation}: {simulation: Simulation}) {
    const t = useTexts(texts);
    const before = new Map((simulation.baseline?.rules ?? []).map((rule) => [rule.name, rule]));
    const changed = (now: number, then: number | undefined) => <>{short(now)}{then !== undefined && then !== now && <span className={css.muted}> ({now > then ? '+' : '−'}{short(Math.abs(now - then))})</span>}</>;
    return (
        <div className={css.scroll} tabIndex={0} role="region" aria-label={t('rules')}>
            <table className={css.table}>
                <thead><tr><th>{t('rule')}</th><th>{t('met')}</th><th>{t('late')}</th><th>{t('missed')}</th><th>{t('pending')}</th></tr></thead>
                <tbody>
                    {(simulation.candidate?.rules ?? []).map((rule) => (
                        <tr key={rule.name}>
                            <td data-given>{rule.name}</td>
                            {(['met', 'late', 'missed', 'pending'] as const).map((name) => <td key={name}>{changed(rule[name], before.get(rule.name)?.[name])}</td>)}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function Findings({found}: {found: Found[]}) {
    const t = useTexts(texts);
    const columns: Column<Found>[] = [
        {id: 'kind', header: t('state'), width: '7.5rem', cell: (f) => <Badge quiet level={kindLevels[f.kind]}>{t(f.kind)}</Badge>},
        {id: 'at', header: t('deadline'), width: '9rem', cell: (f) => <Time at={f.deadline ?? f.found} />},
        {id: 'was', header: t('was'), width: '9rem', wide: true, cell: (f) => f.baseline_deadline && <Time at={f.baseline_deadline} />},
        {id: 'rule', header: t('rule'), width: 'minmax(7rem, 1fr)', cell: (f) => f.rule},
        {id: 'key', header: t('key'), width: 'minmax(6rem, 1fr)', cell: (f) => <Link href={`/console/lifecycle?key=${encodeURIComponent(f.key)}`}>{f.key}</Link>},
        {id: 'severity', header: t('severity'), width: '5rem', wide: true, cell: (f) => <Severity value={f.severity} />},
    ];
    return <DataTable rows={found} columns={columns} rowKey={(f) => `${f.kind} ${f.rule} ${f.key} ${f.group ?? ''} ${f.at} ${f.deadline ?? ''}`} label={t('findings')} height={`${Math.min(found.length * 36 + 44, 320)}px`} />;
}

function Outcome({simulation}: {simulation: Simulation}) {
    const t = useTexts(texts);
    const [bin, setBin] = useState<number | undefined>();
    const found = useMemo(() => allFound(simulation), [simulation]);
    const listed = useMemo(() => {
        const bins = binned(found, binCount);
        return bin === undefined ? found : found.filter((f) => binOf(bins, f.at, binCount) === bin);
    }, [found, bin]);
    const total = kinds.reduce((sum, kind) => sum + (simulation[kind]?.total ?? 0), 0);
    return (
        <>
            <dl className={css.tally}>
                {kinds.map((kind) => (
                    <div key={kind}>
                        <dt><Badge quiet level={(simulation[kind]?.total ?? 0) > 0 ? kindLevels[kind] : 'none'}>{t(kind)}</Badge></dt>
                        <dd>{count(simulation[kind]?.total ?? 0)}</dd>
                        <dd className={css.muted}>{t(`${kind}_more`)}</dd>
                    </div>
                ))}
            </dl>
            {!simulation.baseline && <p className={css.muted}>{t('no_baseline')}</p>}
            {simulation.differences_cut && <p className={css.muted}>{t('cut')}</p>}
            {total === 0 ? <p>{simulation.baseline && t('same')}</p> : <Timeline found={found} total={total} chosen={bin} onChoose={setBin} />}
            {listed.length > 0 && <Findings found={listed} />}
            <RuleCounts simulation={simulation} />
        </>
    );
}

export function Simulate({document}: {document: object | undefined}) {
    const t = useTexts(texts);
    const [span, setSpan] = useState<Span>('24h');
    const [id, setId] = useState<string | undefined>();
    const [error, setError] = useState<unknown>();
    const run = useQuery({
        queryKey: ['simulation', id],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/simulations/{id}', {signal, params: {path: {id: id!}}})),
        enabled: id !== undefined,
        refetchInterval: (query) => (query.state.data?.state === 'running' || !query.state.data ? 400 : false),
        staleTime: Infinity,
    });
    const s = run.data;
    const running = id !== undefined && (!s || s.state === 'running');
    const start = async () => {
        setError(undefined);
        const hours = spans[span];
        try {
            const {id: made} = await unwrap(api.POST('/api/v1/simulations', {body: {document: document as Record<string, never>, ...(hours > 0 ? {from: new Date(applianceNow() - hours * 3_600_000).toISOString()} : {})}}));
            setId(made);
        } catch (refused) {
            setError(refused);
        }
    };
    return (
        <Panel title={t('simulation')} note={t('simulate_more')}>
            <div className={css.simulate}>
                <Select aria-label={t('span')} allowDeselect={false} w="12rem" value={span} onChange={(value) => setSpan(value as Span)} data={(Object.keys(spans) as Span[]).map((value) => ({value, label: t(`span_${value}`)}))} />
                {running ? (
                    <Button leftSection={<IconPlayerStop size={15} />} onClick={() => void unwrap(api.DELETE('/api/v1/simulations/{id}', {params: {path: {id}}})).then(() => run.refetch(), setError)}>{t('cancel')}</Button>
                ) : (
                    <Button variant="filled" leftSection={<IconPlayerPlay size={15} />} disabled={!document} onClick={() => void start()}>{t('simulate')}</Button>
                )}
                {s && <span role="status" className={css.status}><Badge level={s.state === 'failed' ? 'bad' : s.state === 'running' ? 'info' : s.state === 'done' ? 'ok' : 'warn'}>{t(`state_${s.state}`)}</Badge> <span className={css.muted}>{t('running', {done: percent(s.progress), events: short(s.events), rate: short(s.events_per_second)})}</span></span>}
            </div>
            {running && <Progress value={100 * (s?.progress ?? 0)} aria-label={t('simulation')} />}
            <Refused error={error ?? run.error} />
            {s?.failure && <p className={css.fault} data-given>{s.failure}</p>}
            {s && (s.state === 'done' || s.state === 'cancelled') && s.candidate && <Outcome key={s.id} simulation={s} />}
        </Panel>
    );
}
