// A workflow's versions: what became of each, and what can be done with it.
import {Button, Checkbox} from '@mantine/core';
import {useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {Link} from 'wouter';
import {api, unwrap} from '@/api/client';
import {useMay, useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {Panel} from '@/parts/Page';
import {ReasonDialog} from '@/parts/Reason';
import {Time} from '@/parts/Time';
import {done} from '@/parts/toast';
import {texts} from './texts';
import {actionsOf, stateLevels, type Version, type VersionAction} from './workflows';
import css from './workflows.module.css';

export function Versions({name, versions, ofFile, chosen, onDiff}: {
    name: string; versions: readonly Version[]; ofFile: boolean; chosen: number | undefined; onDiff: (version: number) => void;
}) {
    const t = useTexts(texts);
    const me = useMe();
    const changes = useMay('supervisor') && me.regions.length === 0 && me.tenants.length === 0;
    const queries = useQueryClient();
    const [asking, setAsking] = useState<{version: Version; action: VersionAction} | undefined>();
    const [migrate, setMigrate] = useState(false);
    const offered = (version: Version): VersionAction[] =>
        changes ? actionsOf[version.state].filter((action) => !(ofFile && (action === 'activate' || (action === 'retire' && version.state === 'active')))) : [];
    return (
        <Panel title={t('versions')}>
            <ul className={css.versions}>
                {[...versions].sort((a, b) => b.version - a.version).map((version) => {
                    const last = version.history?.[version.history.length - 1];
                    return (
                        <li key={version.version} aria-current={chosen === version.version || undefined}>
                            <div className={css.versionHead}>
                                <strong>{t('version_n', {n: version.version})}</strong>
                                <Badge level={stateLevels[version.state]}>{t(`state_${version.state}`)}</Badge>
                                {!!version.instances && <span className={css.muted}>{t('instances', {count: version.instances})}</span>}
                                {!!version.faults?.length && <Badge level="bad" quiet>{t('faults', {count: version.faults.length})}</Badge>}
                            </div>
                            {last && <p className={css.muted}><span data-given>{last.by}</span> · <Time at={last.at} seconds={false} />{last.note && <q data-given>{last.note}</q>}</p>}
                            <div className={css.buttons}>
                                <Button size="compact-xs" onClick={() => onDiff(version.version)}>{t('show_diff')}</Button>
                                <Button size="compact-xs" component={Link} href={`/console/workflows/${encodeURIComponent(name)}/edit?version=${version.version}`}>{t('edit')}</Button>
                                {offered(version).map((action) => (
                                    <Button key={action} size="compact-xs" variant="subtle" {...(action === 'retire' || action === 'discard' ? {color: 'red'} : {})} onClick={() => { setMigrate(false); setAsking({version, action}); }}>{t(action)}</Button>
                                ))}
                            </div>
                        </li>
                    );
                })}
            </ul>
            {asking && (
                <ReasonDialog
                    title={t('change_title', {action: t(asking.action), n: asking.version.version})}
                    action={t(asking.action)}
                    optional
                    danger={asking.action === 'retire' || asking.action === 'discard'}
                    onClose={() => setAsking(undefined)}
                    run={async (note) => {
                        const {version, action} = asking;
                        const after = await unwrap(api.POST('/api/v1/workflows/{name}/versions/{version}', {
                            params: {path: {name, version: version.version}},
                            body: {action, ...(note ? {note} : {}), ...(action === 'activate' ? {migrate} : {})},
                        }));
                        done(t('changed_done', {n: version.version, state: t(`state_${after.state}`)}));
                        void queries.invalidateQueries({queryKey: ['workflows']});
                    }}
                >
                    <p>{t(`${asking.action}_more`)}</p>
                    {asking.action === 'activate' && <Checkbox label={t('migrate')} checked={migrate} onChange={(event) => setMigrate(event.currentTarget.checked)} />}
                </ReasonDialog>
            )}
        </Panel>
    );
}
