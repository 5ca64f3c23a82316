// One workflow's view of the item.
import {UnstyledButton} from '@mantine/core';
import {IconChevronDown, IconChevronRight} from '@tabler/icons-react';
import {useState} from 'react';
import {Link} from 'wouter';
import type {Schemas} from '@/api/client';
import {useNow} from '@/app/clock';
import {useTexts} from '@/i18n';
import {Badge, type Level, LevelIcon, Severity} from '@/parts/Badge';
import {bytes, clockTime, span} from '@/parts/format';
import {Json} from '@/parts/Json';
import {Facts, Panel} from '@/parts/Page';
import {Countdown, Time, useZone} from '@/parts/Time';
import {Decisions} from './Decisions';
import css from './Lifecycle.module.css';
import {texts} from './texts';

type RunOf = Schemas['Lifecycle'];
type Hop = RunOf['hops'][number];

export const levelOfPhase: Record<Schemas['RulePhase'], Level> = {
    idle: 'none', pending: 'info', at_risk: 'warn', missed: 'bad', met: 'ok', late: 'warn', cancelled: 'none',
    missed_then_ended: 'bad', excused: 'none',
};
const levelOfState: Record<RunOf['state'], Level> = {open: 'info', completed: 'ok', failed: 'bad'};

function HopRow({hop, begin, whole}: {hop: Hop; begin: number; whole: number}) {
    const t = useTexts(texts);
    const zone = useZone();
    const [open, setOpen] = useState(false);
    const at = Date.parse(hop.time);
    const took = hop.since_previous_ms ?? 0;
    const late = hop.settled.some((s) => s.late_by_ms > 0);
    const left = Math.max(0, ((at - Math.max(took, 0) - begin) / whole) * 100);
    const width = Math.max(0, (Math.max(took, 0) / whole) * 100);
    const Chevron = open ? IconChevronDown : IconChevronRight;
    return (
        <li className={css.hop}>
            <div className={css.line}>
                <LevelIcon level={late ? 'warn' : hop.verdict ? 'info' : 'ok'} size={18} />
                <div className={css.stage}>
                    <strong data-given>{hop.stage}</strong>
                    {hop.verdict && <Badge level="info" quiet>{t(hop.verdict)}</Badge>}
                </div>
                <span className={css.took}>
                    {hop.since_previous_ms === undefined ? '' : took < 0 ? t('before', {span: span(-took)}) : t('after', {span: span(took)})}
                </span>
                <div className={css.scale} aria-hidden>
                    <i data-level={late ? 'warn' : 'ok'} style={{left: `${left}%`, width: `max(3px, ${width}%)`}} />
                </div>
                <span className={css.at}><Time at={hop.time} /></span>
            </div>
            <div className={css.under}>
                {hop.settled.map((s) => (
                    <p key={s.rule} data-given>
                        <Badge level={s.late_by_ms > 0 ? 'warn' : 'ok'} quiet>
                            {s.late_by_ms > 0 ? t('late', {span: span(s.late_by_ms)}) : t('in_time', {span: span(-s.late_by_ms)})}
                        </Badge>
                        <span className={css.dim}>{t('rule', {rule: s.rule, due: clockTime(new Date(s.deadline), zone, new Date())})}</span>
                    </p>
                ))}
                {hop.received === undefined ? <p className={css.dim}>{t('event_gone')}</p> : hop.data ? (
                    <>
                        <UnstyledButton className={css.toggle} aria-expanded={open} onClick={() => setOpen(!open)}>
                            <Chevron size={14} /> {open ? t('hide_data') : t('show_data')}
                            {(hop.data_bytes ?? 0) > 512 && <span className={css.dim}> · {t('data_cut', {bytes: bytes(hop.data_bytes)})}</span>}
                        </UnstyledButton>
                        {open && <Json value={pretty(hop.data)} label={t('data', {stage: hop.stage})} />}
                    </>
                ) : null}
            </div>
        </li>
    );
}

function pretty(text: string): string {
    try {
        return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
        return text; // it was cut
    }
}

export function Run({run}: {run: RunOf}) {
    const t = useTexts(texts);
    const now = useNow(1_000);
    const begin = Date.parse(run.first ?? run.hops[0]?.time ?? new Date().toISOString());
    const last = Date.parse(run.last ?? run.first ?? new Date().toISOString());
    const end = run.state === 'open' ? Math.max(now, last) : last;
    const whole = Math.max(1, end - begin);
    const awaited = run.rules.filter((r) => r.phase === 'pending' || r.phase === 'at_risk' || r.phase === 'missed');
    return (
        <Panel
            title={<span data-given>{run.workflow}</span>}
            label={run.workflow}
            note={`${t('version', {version: run.version})} · ${run.state === 'open' ? t('so_far', {span: span(whole)}) : t('took', {span: span(whole)})}`}
            actions={<Badge level={levelOfState[run.state]}>{t(run.state)}</Badge>}
        >
            <div className={css.run}>
                <section aria-label={t('hops')}>
                    <ol className={css.hops} aria-label={t('hops_label')}>
                        {run.hops.map((hop) => <HopRow key={`${hop.seq} ${hop.stage}`} hop={hop} begin={begin} whole={whole} />)}
                        {awaited.map((rule) => (
                            <li key={rule.name} className={css.hop} data-awaited>
                                <div className={css.line}>
                                    <LevelIcon level={levelOfPhase[rule.phase]} size={18} />
                                    <div className={css.stage}><strong data-given>{rule.name}</strong></div>
                                    <span className={css.took}>{t(`phase_${rule.phase}`)}</span>
                                    <div className={css.scale} aria-hidden />
                                    <span className={css.at}><Countdown to={rule.deadline} /></span>
                                </div>
                            </li>
                        ))}
                    </ol>
                </section>
                <section className={css.aside}>
                    <Facts
                        items={[
                            [t('began'), <Time key="b" at={run.first} />],
                            [t('last'), <Time key="l" at={run.last} />],
                            [t('tenant'), <span key="t" data-given>{run.tenant}</span>],
                            ...(run.group ? [[t('group'), <span key="g" data-given>{run.group}</span>] as [React.ReactNode, React.ReactNode]] : []),
                        ]}
                    />
                    <h3>{t('rules')}</h3>
                    <ul className={css.rules}>
                        {run.rules.map((rule) => (
                            <li key={rule.name}>
                                <span data-given>{rule.name}</span>
                                <Badge level={levelOfPhase[rule.phase]} quiet>{t(`phase_${rule.phase}`)}</Badge>
                            </li>
                        ))}
                    </ul>
                    <Decisions events={run.hops.map((hop) => hop.seq)} />
                    <h3>{t('alerts')}</h3>
                    {run.alerts.length === 0 && <p className={css.dim}>{t('no_alerts')}</p>}
                    <ul className={css.alerts}>
                        {run.alerts.map((alert) => (
                            <li key={alert.id}>
                                <p data-given><Severity value={alert.severity} /> <Link href={`/console/alerts/${alert.id}`}>{alert.rule}</Link></p>
                                <ol>
                                    {alert.steps.filter((s) => s.step !== 'grouped').slice(-8).map((step) => (
                                        <li key={`${step.seq} ${step.step}`}>
                                            <Time at={step.at} />
                                            <span>
                                                {t(`step_${step.step}`)}
                                                {step.by !== 'penstock' && <> {t('by', {by: step.by})}</>}
                                                {step.note && <em data-given> “{step.note}”</em>}
                                            </span>
                                        </li>
                                    ))}
                                </ol>
                            </li>
                        ))}
                    </ul>
                </section>
            </div>
        </Panel>
    );
}
