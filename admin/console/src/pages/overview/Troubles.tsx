import {IconSitemap} from '@tabler/icons-react';
import type {UseQueryResult} from '@tanstack/react-query';
import {Link} from 'wouter';
import type {Schemas} from '@/api/client';
import {useTexts} from '@/i18n';
import {Badge, LevelIcon, Severity} from '@/parts/Badge';
import {short} from '@/parts/format';
import {levelOfHealth} from '@/parts/health/health';
import {Panel} from '@/parts/Page';
import {Empty, Loading, Trouble} from '@/parts/States';
import {Age} from '@/parts/Time';
import type {Alert} from './data';
import css from './Overview.module.css';
import {texts} from './texts';

const shown = 9;

export function Troubles({troubles}: {troubles: UseQueryResult<Alert[]>}) {
    const t = useTexts(texts);
    return (
        <Panel title={t('troubles')} actions={<Link href="/console/alerts">{t('troubles_all')}</Link>} flush>
            {troubles.isLoadingError ? <Trouble error={troubles.error} retry={() => void troubles.refetch()} />
            : !troubles.data ? <Loading />
            : troubles.data.length === 0 ? <Empty title={t('no_troubles')} icon={<LevelIcon level="ok" size={28} />}>{t('no_troubles_more')}</Empty>
            : (
                <ul className={css.troubles}>
                    {troubles.data.slice(0, shown).map((alert) => (
                        <li key={alert.id}>
                            <Link href={`/console/alerts/${alert.id}`}>
                                <Severity value={alert.severity} />
                                <span className={css.what} data-given>
                                    <strong>{alert.rule}{alert.group ? ` · ${alert.group}` : ''}</strong>
                                    <span>{alert.workflow}{alert.tenant !== 'default' ? ` · ${alert.tenant}` : ''}</span>
                                </span>
                                <span className={css.right}>
                                    {alert.state === 'acked' && alert.acked_by
                                        ? <Badge level="warn" quiet>{t('acked_by', {by: alert.acked_by})}</Badge>
                                        : <span>{t('open', {count: alert.open})}</span>}
                                    <small><Age at={alert.began} /></small>
                                </span>
                            </Link>
                        </li>
                    ))}
                </ul>
            )}
        </Panel>
    );
}

export function Workflows({workflows}: {workflows: UseQueryResult<{items: Schemas['WorkflowSummary'][]}>}) {
    const t = useTexts(texts);
    const rank = {red: 0, amber: 1, green: 2};
    const items = [...(workflows.data?.items ?? [])].sort((a, b) => rank[a.health] - rank[b.health] || a.name.localeCompare(b.name));
    return (
        <Panel title={t('workflows')} flush>
            {workflows.isLoadingError ? <Trouble error={workflows.error} retry={() => void workflows.refetch()} />
            : !workflows.data ? <Loading rows={3} />
            : items.length === 0 ? <Empty title={t('workflows_none')} icon={<IconSitemap size={28} stroke={1.4} />}>{t('workflows_none_more')}</Empty>
            : (
                <ul className={css.workflows}>
                    {items.slice(0, 8).map((w) => (
                        <li key={`${w.name} ${w.version}`}>
                            <Link href={`/console/map/${encodeURIComponent(w.name)}`}>
                                <LevelIcon level={levelOfHealth(w.health)} size={18} label={t(`health_${w.health}`)} />
                                <span className={css.what} data-given><strong>{w.name}</strong><span>{w.health === 'green' ? t('health_green') : w.reason}</span></span>
                                <span className={css.right}><span>{t('in_flight', {count: w.in_flight})}</span><small>{short(w.completed)} ✓</small></span>
                            </Link>
                        </li>
                    ))}
                </ul>
            )}
        </Panel>
    );
}
