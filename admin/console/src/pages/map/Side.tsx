// Beside the map: how all of it stands, or the stage or rule that was chosen, down to its items.
import {SegmentedControl, UnstyledButton} from '@mantine/core';
import {keepPreviousData, useQuery} from '@tanstack/react-query';
import {Link} from 'wouter';
import {api, type Schemas, unwrap} from '@/api/client';
import {useTexts} from '@/i18n';
import {Badge, type Level, LevelIcon, Severity} from '@/parts/Badge';
import {count, short, span} from '@/parts/format';
import {Facts, Panel} from '@/parts/Page';
import {Loading, Trouble} from '@/parts/States';
import {Age, Countdown} from '@/parts/Time';
import {healthLevels} from '../workflows/workflows';
import css from './map.module.css';
import {type Rule, ruleId, type Stage, stageId, type Workflow} from './model';
import {texts} from './texts';

type Phase = Schemas['RulePhase'];
type Fact = [string, React.ReactNode];
const phases: Phase[] = ['missed', 'at_risk', 'pending', 'late'];
const phaseLevels: Partial<Record<Phase, Level>> = {missed: 'bad', at_risk: 'warn', late: 'warn', met: 'ok', pending: 'info'};

export function Items({workflow, rule, group, phase, onPhase}: {workflow: string; rule?: string; group?: string | undefined; phase: Phase; onPhase: (phase: Phase) => void}) {
    const t = useTexts(texts);
    const items = useQuery({
        queryKey: ['workflows', workflow, 'items', rule, group, phase],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/workflows/{name}/instances', {signal, params: {path: {name: workflow}, query: {phase, limit: 50, ...(rule ? {rule} : {}), ...(group ? {group} : {})}}})),
        refetchInterval: 4_000,
        placeholderData: keepPreviousData,
    });
    return (
        <Panel title={t('instances')} note={group && <span data-given>{group}</span>}>
            <SegmentedControl fullWidth aria-label={t('phases')} value={phase} onChange={(value) => onPhase(value as Phase)} data={phases.map((value) => ({value, label: t(`phase_${value}`)}))} />
            {items.isPending ? <Loading rows={4} />
            : items.isError && !items.data ? <Trouble error={items.error} retry={() => void items.refetch()} />
            : items.data.items.length === 0 ? <p className={css.nothing}>{t('no_items')}</p>
            : (
                <ul className={css.items} tabIndex={0} aria-label={t('instances')}>
                    {items.data.items.map((item) => {
                        const of = item.rules.find((r) => (!rule || r.name === rule) && r.phase === phase) ?? item.rules.find((r) => r.phase === phase);
                        return (
                            <li key={`${item.tenant} ${item.subject} ${item.first}`} data-given>
                                <LevelIcon level={phaseLevels[phase] ?? 'none'} size={14} label={t(`phase_${phase}`)} />
                                <Link href={`/console/lifecycle?key=${encodeURIComponent(item.subject)}&workflow=${encodeURIComponent(workflow)}`}>{item.subject}</Link>
                                {!rule && of && <small>{of.name}</small>}
                                {of?.deadline && (phase === 'pending' || phase === 'at_risk' || phase === 'missed') && <Countdown to={of.deadline} warnMs={10_000} />}
                            </li>
                        );
                    })}
                </ul>
            )}
        </Panel>
    );
}

function RuleList({title, rules, onChoose}: {title: string; rules: readonly Rule[]; onChoose: (id: string) => void}) {
    const t = useTexts(texts);
    if (rules.length === 0) return null;
    return (
        <Panel title={title}>
            <ul className={css.rules}>
                {rules.map((rule) => (
                    <li key={rule.name}><UnstyledButton className={css.rule} onClick={() => onChoose(ruleId(rule.name))} data-given><LevelIcon level={healthLevels[rule.health]} size={14} label={t(rule.health)} /> {rule.name} <span>{short(rule.counts.in_trouble || rule.counts.pending)}</span></UnstyledButton></li>
                ))}
            </ul>
        </Panel>
    );
}

export function StageSide({workflow, stage, onChoose}: {workflow: Workflow; stage: Stage; onChoose: (id: string | undefined) => void}) {
    const t = useTexts(texts);
    return (
        <>
            <Panel title={<span data-given>{stage.name}</span>} note={t('stage')} actions={<Badge level={healthLevels[stage.health]}>{t(stage.health)}</Badge>}>
                <Facts items={[[t('came'), count(stage.reached)], [t('waits'), count(stage.waiting)]]} />
            </Panel>
            <RuleList title={t('leads_in')} rules={workflow.rules.filter((r) => r.kind === 'edge' && r.to === stage.name)} onChoose={onChoose} />
            <RuleList title={t('leads_out')} rules={workflow.rules.filter((r) => r.kind === 'edge' && r.from === stage.name)} onChoose={onChoose} />
        </>
    );
}

/// What rules on the clock miss has no item of its own to show: its alerts name the keys.
function ItsAlerts({workflow, shown}: {workflow: string; shown: boolean}) {
    const t = useTexts(texts);
    return shown && <p className={css.more}><Link href={`/console/alerts?workflow=${encodeURIComponent(workflow)}`}>{t('its_alerts')}</Link></p>;
}

export function RuleSide({workflow, rule}: {workflow: string; rule: Rule}) {
    const t = useTexts(texts);
    const c = rule.counts;
    const facts: (Fact | false)[] = [
        [t('severity'), <Severity value={rule.severity} />],
        !!rule.within_ms && [t('within'), span(rule.within_ms)],
        [t('next_due'), rule.next_due ? <Countdown to={rule.next_due} warnMs={10_000} /> : '–'],
        !!rule.oldest_trouble && [t('oldest'), <Age at={rule.oldest_trouble} />],
        [t('trouble_now'), count(c.in_trouble)],
        [t('risk_now'), count(c.at_risk)],
        [t('pending_now'), count(c.pending)],
        c.undetermined > 0 && [t('undetermined'), count(c.undetermined)],
        !!rule.runbook && [t('runbook'), /^https?:/i.test(rule.runbook) ? <a href={rule.runbook} target="_blank" rel="noreferrer" data-given>{rule.runbook}</a> : <code>{rule.runbook}</code>],
    ];
    return (
        <>
            <Panel title={<span data-given>{rule.name}</span>} note={t(`kind_${rule.kind}`)} actions={<Badge level={healthLevels[rule.health]}>{t(rule.health)}</Badge>}>
                <Facts items={facts.filter((f): f is Fact => f !== false)} />
                <ItsAlerts workflow={workflow} shown={c.in_trouble > 0} />
            </Panel>
            <Panel title={t('counts')}>
                <dl className={css.counts}>
                    {(['anchored', 'met', 'late', 'missed', 'cancelled', 'excused'] as const).map((name) => <div key={name}><dt>{t(name)}</dt><dd>{short(c[name])}</dd></div>)}
                </dl>
            </Panel>
        </>
    );
}

function Ageing({workflow}: {workflow: Workflow}) {
    const t = useTexts(texts);
    const most = Math.max(1, ...workflow.ageing.map((a) => a.instances));
    if (workflow.ageing.every((a) => a.instances === 0)) return null;
    return (
        <Panel title={t('ageing')}>
            <ul className={css.ageing}>
                {workflow.ageing.map((a) => (
                    <li key={a.up_to_s ?? 'over'}>
                        <span>{a.up_to_s === null ? t('ageing_over') : t('ageing_up', {span: span(a.up_to_s * 1000)})}</span>
                        <i aria-hidden><b style={{width: `${(100 * a.instances) / most}%`}} /></i>
                        <span>{short(a.instances)}</span>
                    </li>
                ))}
            </ul>
        </Panel>
    );
}

export function WholeSide({workflow, group, onGroup}: {workflow: Workflow; group: string | undefined; onGroup: (group: string | undefined) => void}) {
    const t = useTexts(texts);
    return (
        <>
            <Panel title={<span data-given>{workflow.name}</span>} note={<span data-given>{workflow.reason}</span>} actions={<Badge level={healthLevels[workflow.health]}>{t(workflow.health)}</Badge>}>
                <dl className={css.counts}>
                    {(['in_flight', 'completed', 'failed'] as const).map((name) => <div key={name}><dt>{t(name)}</dt><dd>{short(workflow[name])}</dd></div>)}
                </dl>
                <ItsAlerts workflow={workflow.name} shown={workflow.rules.some((r) => r.counts.in_trouble > 0)} />
            </Panel>
            {workflow.groups.length > 0 && (
                <Panel title={t('groups')}>
                    <ul className={css.rules}>
                        {workflow.groups.map((g) => (
                            <li key={g.group}>
                                <UnstyledButton className={css.rule} aria-pressed={g.group === group} onClick={() => onGroup(g.group === group ? undefined : g.group)} data-given>
                                    <LevelIcon level={healthLevels[g.health]} size={14} label={t(g.health)} /> {g.group} <span>{short(g.counts.in_trouble || g.in_flight)}</span>
                                </UnstyledButton>
                            </li>
                        ))}
                    </ul>
                </Panel>
            )}
            <Ageing workflow={workflow} />
        </>
    );
}
export const findChosen = (workflow: Workflow, id: string | undefined): {stage?: Stage; rule?: Rule} => {
    const stage = workflow.stages.find((s) => stageId(s.name) === id);
    const rule = workflow.rules.find((r) => ruleId(r.name) === id);
    return {...(stage ? {stage} : {}), ...(rule ? {rule} : {})};
};
