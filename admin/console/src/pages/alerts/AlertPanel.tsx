// One alert: whose it is and for how long, what is in trouble, who was told and why not.
import {ActionIcon, Anchor, Button, Tooltip} from '@mantine/core';
import {IconArrowLeft, IconBook2, IconExternalLink} from '@tabler/icons-react';
import {Link} from 'wouter';
import {ProblemError} from '@/api/client';
import {useTexts} from '@/i18n';
import {Badge, type Level, Severity} from '@/parts/Badge';
import {count} from '@/parts/format';
import {Facts, Panel} from '@/parts/Page';
import {Empty, Loading, Trouble} from '@/parts/States';
import {Age, Countdown, Time} from '@/parts/Time';
import {AlertBadge, HeldBack} from './AlertBadge';
import {type Alert, heldBack, isOpen, useAlert} from './alerts';
import css from './alerts.module.css';
import {AlertSteps} from './AlertSteps';
import {Commands} from './Commands';
import {texts} from './texts';

type Fact = [string, React.ReactNode];
/// A link that somebody configured: only one that leads to a page.
const isWebLink = (link: string): boolean => /^https?:\/\//i.test(link);

function Suppressed({alert}: {alert: Alert}) {
    const t = useTexts(texts);
    const why = heldBack(alert);
    if (!why) return null;
    const id = alert.silence ?? alert.maintenance ?? 0;
    return (
        <div className={css.suppressed} role="note">
            <HeldBack alert={alert} />
            <span>
                {why === 'silenced' && <Link href={`/console/silences?tab=silences&id=${id}`}>{t('silenced_by', {id})}</Link>}
                {why === 'maintenance' && <Link href={`/console/silences?tab=maintenance&id=${id}`}>{t('maintenance_by', {id})}</Link>}
                {why === 'inhibited' && <Link href={`/console/alerts/${alert.inhibited_by}`}>{t('inhibited_by')}</Link>}
                {why === 'flapping' && t('flapping_more')}
            </span>
        </div>
    );
}

function Instances({alert}: {alert: Alert}) {
    const t = useTexts(texts);
    const instances = [...(alert.instances ?? [])].reverse();
    return (
        <Panel title={t('instances')} note={instances.length > 0 && t('instances_note', {count: alert.total, shown: instances.length})}>
            {instances.length === 0 ? (
                <p className={css.faint}>{t('instances_empty')}</p>
            ) : (
                <div className={css.scroll} tabIndex={0} role="region" aria-label={t('instances')}>
                    <table className={css.table}>
                        <thead><tr><th>{t('key')}</th><th>{t('state')}</th><th>{t('deadline')}</th><th>{t('found_by')}</th></tr></thead>
                        <tbody>
                            {instances.map((one) => (
                                <tr key={`${one.subject}-${one.anchor_seq}-${one.deadline}`}>
                                    <td data-given>{one.subject ? <Link href={`/console/lifecycle?key=${encodeURIComponent(one.subject)}`}>{one.subject}</Link> : '–'}</td>
                                    <td><Badge quiet level={one.state === 'open' ? 'bad' : 'none'}>{t(`inst_${one.state}`)}</Badge></td>
                                    <td><Time at={one.deadline} /></td>
                                    <td className={css.faint}>{t(`evidence_${one.evidence}`)}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </Panel>
    );
}

const deliveryLevels: Record<'pending' | 'delivered' | 'failed', Level> = {pending: 'info', delivered: 'ok', failed: 'bad'};
/// Decisions to send or not, with their causes, and how each delivery went.
function Telling({alert}: {alert: Alert}) {
    const t = useTexts(texts);
    const decisions = (alert.history ?? []).filter((step) => step.step === 'sent' || step.step === 'not_sent' || step.step === 'grouped');
    const deliveries = [...(alert.notifications ?? [])].reverse();
    const names = {pending: 'delivery_pending', delivered: 'delivered', failed: 'delivery_failed'} as const;
    return (
        <Panel title={t('telling')}>
            {decisions.length === 0 && deliveries.length === 0 ? (
                <p className={css.faint}><strong>{t('telling_empty')}</strong><br />{t('telling_empty_more')}</p>
            ) : (
                <>
                    <AlertSteps steps={decisions} />
                    {deliveries.length > 0 && (
                        <ul className={css.deliveries}>
                            {deliveries.map((one) => (
                                <li key={one.id}>
                                    <Badge quiet level={deliveryLevels[one.state]}>{t(names[one.state])}</Badge>
                                    <span data-given>{one.kind} {t('to_target', {target: one.target})}</span>
                                    {!!one.attempts && one.attempts > 1 && <span className={css.faint}>{t('attempts', {count: one.attempts})}</span>}
                                    <Time at={one.done ?? one.at} />
                                    {one.detail && <em data-given>{one.detail}</em>}
                                </li>
                            ))}
                        </ul>
                    )}
                </>
            )}
        </Panel>
    );
}

export function AlertPanel({id, onBack}: {id: string; onBack: () => void}) {
    const t = useTexts(texts);
    const alert = useAlert(id);
    if (alert.isPending) return <Panel><Loading rows={10} /></Panel>;
    if (alert.error instanceof ProblemError && (alert.error.status === 404 || alert.error.status === 400)) return <Panel><Empty title={t('gone')}>{t('gone_more')}</Empty></Panel>;
    if (!alert.data) return <Panel><Trouble error={alert.error} retry={() => void alert.refetch()} /></Panel>;
    const a = alert.data;
    const facts: (Fact | false)[] = [
        [t('began'), <Time at={a.began} />],
        !isOpen(a) && [t('ended'), <Time at={a.ended} />],
        !!a.cause && [t('ended_why'), t(`inst_${a.cause}`)],
        !!a.trouble && [t('trouble'), t(`trouble_${a.trouble}`)],
        [t('open'), count(a.open)],
        [t('total'), count(a.total)],
        !!a.first_deadline && [t('first_deadline'), <Time at={a.first_deadline} />],
        !!a.last_deadline && a.last_deadline !== a.first_deadline && [t('last_deadline'), <Time at={a.last_deadline} />],
        !!a.acked_by && [t('acked_by'), <span data-given>{a.acked_by}</span>],
        [t('assignee'), a.assignee ? <span data-given>{a.assignee}</span> : t('nobody')],
        !!a.escalation && [t('escalation'), <span data-given>{a.escalation}</span>],
        !!a.escalates && [t('escalates'), <Countdown to={a.escalates} />],
        [t('tenant'), <span data-given>{a.tenant}</span>],
        [t('episode'), a.episode],
    ];
    return (
        <article className={css.alert} aria-label={`${a.workflow} ${a.rule}`}>
            <header className={css.head}>
                <Tooltip label={t('back')}><ActionIcon onClick={onBack} aria-label={t('back')}><IconArrowLeft size={18} /></ActionIcon></Tooltip>
                <h2 data-given><Link href={`/console/map/${encodeURIComponent(a.workflow)}`} title={t('to_workflow')}>{a.workflow}</Link> · {a.rule} {a.group && <span className={css.faint}>{a.group}</span>}</h2>
                <Severity value={a.severity} />
                <AlertBadge state={a.state} />
                {isOpen(a) && <span className={css.faint}>{t('age')} <Age at={a.began} /></span>}
            </header>
            <div className={css.body}>
                <Commands alert={a} />
                <Suppressed alert={a} />
                {a.runbook && (
                    <div className={css.runbook}>
                        <IconBook2 size={17} aria-hidden /> <strong>{t('runbook')}</strong>
                        {isWebLink(a.runbook) ? (
                            <Button component="a" href={a.runbook} target="_blank" rel="noreferrer" variant="subtle" rightSection={<IconExternalLink size={14} />}>{t('open_runbook')}</Button>
                        ) : (
                            <code>{a.runbook}</code>
                        )}
                        {isWebLink(a.runbook) && <Anchor size="xs" c="dimmed" href={a.runbook} target="_blank" rel="noreferrer" className={css.link} data-given>{a.runbook}</Anchor>}
                    </div>
                )}
                <div className={css.two}>
                    <Panel title={t('facts')}><Facts items={facts.filter((f): f is Fact => f !== false)} /></Panel>
                    <Telling alert={a} />
                </div>
                <Instances alert={a} />
                <Panel title={t('history')}><AlertSteps steps={(a.history ?? []).filter((s) => s.step !== 'sent' && s.step !== 'not_sent' && s.step !== 'grouped')} /></Panel>
            </div>
        </article>
    );
}
