// One workflow: how it stands, its rules, its next deadlines, its versions and what they changed.
import {Button} from '@mantine/core';
import {IconPencil, IconSitemap} from '@tabler/icons-react';
import {Link} from 'wouter';
import {ProblemError} from '@/api/client';
import {useAddress} from '@/app/address';
import {useTexts} from '@/i18n';
import {Badge, LevelIcon, Severity} from '@/parts/Badge';
import {short} from '@/parts/format';
import {Page, Panel} from '@/parts/Page';
import {Empty, Loading, Trouble} from '@/parts/States';
import {Diff} from './Diff';
import {NextDeadlines} from './NextDeadlines';
import {texts} from './texts';
import {Versions} from './Versions';
import {healthLevels, useVersions, useWorkflow, type Workflow} from './workflows';
import css from './workflows.module.css';

const names = ['diff'] as const;

function Rules({workflow}: {workflow: Workflow}) {
    const t = useTexts(texts);
    return (
        <Panel title={t('rules_title')} note={workflow.reason && <span data-given>{workflow.reason}</span>}>
            <div className={css.scroll} tabIndex={0} role="region" aria-label={t('rules_title')}>
                <table className={css.table}>
                    <thead><tr><th>{t('rule')}</th><th>{t('severity')}</th><th className={css.figure}>{t('met')}</th><th className={css.figure}>{t('late')}</th><th className={css.figure}>{t('missed')}</th><th className={css.figure}>{t('pending')}</th><th className={css.figure}>{t('trouble')}</th></tr></thead>
                    <tbody>
                        {workflow.rules.map((rule) => (
                            <tr key={rule.name}>
                                <td data-given><LevelIcon level={healthLevels[rule.health]} label={t(rule.health)} /> {rule.name} {rule.kind !== 'edge' && <span className={css.muted}>{t(`kind_${rule.kind}`)}</span>}</td>
                                <td><Severity value={rule.severity} /></td>
                                <td className={css.figure}>{short(rule.counts.met)}</td>
                                <td className={css.figure}>{short(rule.counts.late)}</td>
                                <td className={css.figure}>{short(rule.counts.missed)}</td>
                                <td className={css.figure}>{short(rule.counts.pending)}</td>
                                <td className={css.figure}>{short(rule.counts.in_trouble)}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </Panel>
    );
}

export function Detail({name}: {name: string}) {
    const t = useTexts(texts);
    const workflow = useWorkflow(name);
    const versions = useVersions(name);
    const [address, setAddress] = useAddress(names);
    const list = versions.data?.items ?? [];
    const diff = Number(address.diff) || undefined;
    const w = workflow.data;
    if (versions.error instanceof ProblemError && versions.error.status === 404) return <Page title={name} given><Panel><Empty title={t('gone')} action={<Link href="/console/workflows">{t('back')}</Link>} /></Panel></Page>;
    return (
        <Page
            title={name}
            given
            note={<><Link href="/console/workflows">{t('back')}</Link> {w ? <Badge level={healthLevels[w.health]}>{t(w.health)}</Badge> : workflow.isError && <Badge level="none">{t('not_running')}</Badge>}</>}
            actions={
                <>
                    {w && <Button component={Link} href={`/console/map/${encodeURIComponent(name)}`} leftSection={<IconSitemap size={15} />}>{t('map')}</Button>}
                    <Button component={Link} href={`/console/workflows/${encodeURIComponent(name)}/edit`} variant="filled" leftSection={<IconPencil size={15} />}>{t('edit')}</Button>
                </>
            }
        >
            {w?.owner === 'file' && <p className={css.muted}>{t('of_file')}</p>}
            <div className={css.columns}>
                <div className={css.stack}>
                    {workflow.isPending && <Panel><Loading /></Panel>}
                    {w && <NextDeadlines workflow={w} />}
                    {w && <Rules workflow={w} />}
                    {diff !== undefined && <Diff key={diff} name={name} version={diff} versions={list} />}
                </div>
                {versions.isError && !versions.data ? <Panel><Trouble error={versions.error} retry={() => void versions.refetch()} /></Panel>
                : versions.isPending ? <Panel><Loading /></Panel>
                : <Versions name={name} versions={list} ofFile={w?.owner === 'file'} chosen={diff} onDiff={(version) => setAddress({diff: version === diff ? '' : String(version)})} />}
            </div>
        </Page>
    );
}
