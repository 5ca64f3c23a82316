// One region: how it does by the stream, what it is by the API, and what can be done with it.
import {Button, Group} from '@mantine/core';
import {useState} from 'react';
import {Link} from 'wouter';
import {api, unwrap} from '@/api/client';
import type {Status} from '@/api/stream';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {Confirm} from '@/parts/Confirm';
import {count, short, span} from '@/parts/format';
import {lagOf} from '@/parts/health/health';
import {Facts, Panel} from '@/parts/Page';
import {refused} from '@/parts/toast';
import type {Region} from './data';
import css from './Regions.module.css';
import {texts} from './texts';

type Fact = [React.ReactNode, React.ReactNode];

export function RegionPanel({live, region, nextSeq, mayChange, onChange}: {
    live: Status['regions'][number]; region: Region | undefined; nextSeq: number; mayChange: boolean; onChange: () => void;
}) {
    const t = useTexts(texts);
    const [asking, setAsking] = useState<'drain' | 'remove'>();
    const name = live.name ?? '';
    const level = lagOf(live);
    const behind = Math.max(0, nextSeq - 1 - (live.flushed_seq ?? 0));
    const at = {params: {path: {name}}};
    const leaves = region && region.state !== 'active';
    const resume = async () => {
        try {
            await unwrap(api.POST('/api/v1/regions/{name}/resume', {...at, body: {}}));
            onChange();
        } catch (problem) {
            refused(problem);
        }
    };
    const facts: Fact[] = [
        [t('breaker'), t(`breaker_${live.breaker ?? 'closed'}`)],
        [t('lag'), span((live.lag_seconds ?? 0) * 1_000)],
        [t('waiting'), count(live.waiting)],
        [t('rows'), short(live.rows_per_second)],
        [t('stored'), count(live.stored)],
        [t('flushed'), <span key="f">{count(live.flushed_seq)} <span className={css.dim}>{t('behind', {count: behind})}</span></span>],
        [t('failures'), count(live.failures)],
    ];
    if (region && region.aliases.length > 0) facts.unshift([t('aliases'), <span key="a" data-given>{region.aliases.join(', ')}</span>]);
    if (region?.state === 'draining')
        facts.push([t('still'), t('still_value', {events: count(region.waiting), items: count(region.open_items), decisions: count(region.decisions_to_flush)})]);
    if (live.error) facts.push([t('error'), <span key="e" className={css.error} data-given>{live.error}</span>]);
    return (
        <Panel
            title={<span data-given>{name}</span>}
            label={name}
            note={<Link href={`/console/search?q=${encodeURIComponent(`region:${name}`)}`}>{t('search')}</Link>}
            actions={
                <>
                    {region?.default && <Badge level="none">{t('default_region')}</Badge>}
                    {region?.payload === 'stays' && <Badge level="info">{t('payload_stays')}</Badge>}
                    {region?.sealed && <Badge level="info">{t('sealed')}</Badge>}
                    {leaves && <Badge level="warn">{t(region.state === 'drained' ? 'drained' : 'draining')}</Badge>}
                    <Badge level={level}>{t(level === 'info' ? 'ok' : level)}</Badge>
                </>
            }
        >
            {live.configured ? <Facts items={facts} /> : <p className={css.dim}>{t('no_database')}</p>}
            {mayChange && region && (
                <Group gap="xs" mt="sm">
                    {leaves ? <Button size="compact-sm" onClick={() => void resume()}>{t('resume')}</Button>
                    : !region.default && <Button size="compact-sm" onClick={() => setAsking('drain')}>{t('drain')}</Button>}
                    {region.state === 'drained' && region.origin === 'api' && <Button size="compact-sm" color="red" variant="light" onClick={() => setAsking('remove')}>{t('remove')}</Button>}
                </Group>
            )}
            {asking && (
                <Confirm
                    title={t(asking === 'drain' ? 'drain_title' : 'remove_title', {name})}
                    action={t(asking)}
                    run={async () => {
                        if (asking === 'drain') await unwrap(api.POST('/api/v1/regions/{name}/drain', {...at, body: {}}));
                        else await unwrap(api.DELETE('/api/v1/regions/{name}', at));
                        onChange();
                    }}
                    onClose={() => setAsking(undefined)}
                >
                    <p>{t(asking === 'drain' ? 'drain_more' : 'remove_more')}</p>
                </Confirm>
            )}
        </Panel>
    );
}
