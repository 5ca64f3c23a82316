// All workflows, the worst first.
import {useQuery} from '@tanstack/react-query';
import {Button} from '@mantine/core';
import {IconPlus} from '@tabler/icons-react';
import {Link, useLocation} from 'wouter';
import {useMay} from '@/app/session';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {type Column, DataTable} from '@/parts/DataTable';
import {short} from '@/parts/format';
import {Page, Panel} from '@/parts/Page';
import {Empty, Trouble} from '@/parts/States';
import {texts} from './texts';
import {healthLevels, type Summary, workflowsQuery} from './workflows';
import css from './workflows.module.css';

type Row = Partial<Summary> & {name: string};
const worst = {red: 0, amber: 1, green: 2};

export function List() {
    const t = useTexts(texts);
    const [, go] = useLocation();
    const supervises = useMay('supervisor');
    const list = useQuery({...workflowsQuery, refetchInterval: 4_000});
    const rows: Row[] = [
        ...[...(list.data?.items ?? [])].sort((a, b) => worst[a.health] - worst[b.health] || a.name.localeCompare(b.name)),
        ...(list.data?.not_running ?? []).map((name) => ({name})),
    ];
    const columns: Column<Row>[] = [
        {id: 'name', header: t('name'), width: 'minmax(7rem, 1.2fr)', cell: (w) => <Link href={`/console/workflows/${encodeURIComponent(w.name)}`} className={css.name}>{w.name}</Link>},
        {id: 'health', header: t('health'), width: '7.5rem', cell: (w) => (w.health ? <Badge level={healthLevels[w.health]} quiet>{t(w.health)}</Badge> : <Badge level="none" quiet>{t('not_running')}</Badge>)},
        {id: 'reason', header: t('reason'), width: 'minmax(8rem, 2fr)', wide: true, cell: (w) => <span title={w.reason} className={css.muted}>{w.health === 'green' ? '' : w.reason?.replace(/^(red|amber): /, '')}</span>},
        {id: 'version', header: t('version'), width: '8rem', wide: true, cell: (w) => w.version && <>{w.version} {w.state && w.state !== 'active' && <span className={css.muted}>{t(`state_${w.state}`)}</span>}</>},
        {id: 'flight', header: t('in_flight'), width: '5.5rem', align: 'right', cell: (w) => short(w.in_flight)},
        {id: 'done', header: t('completed'), width: '6rem', align: 'right', wide: true, cell: (w) => short(w.completed)},
        {id: 'failed', header: t('failed'), width: '6rem', align: 'right', wide: true, cell: (w) => short(w.failed)},
        {id: 'owner', header: t('owner'), width: '7rem', wide: true, cell: (w) => w.owner && t(`owner_${w.owner}`)},
        {id: 'map', header: '', width: '3.5rem', align: 'right', cell: (w) => w.health && <Link href={`/console/map/${encodeURIComponent(w.name)}`}>{t('map')}</Link>},
    ];
    const add = supervises && <Button component={Link} href="/console/workflows/new/edit" variant="filled" leftSection={<IconPlus size={15} />}>{t('new')}</Button>;
    return (
        <Page title={t('title')} fill actions={add}>
            <div className={css.fill}>
                <Panel flush label={t('title')}>
                    {list.isError && !list.data ? (
                        <Trouble error={list.error} retry={() => void list.refetch()} />
                    ) : (
                        <DataTable
                            rows={rows} columns={columns} rowKey={(w) => `${w.name} ${w.version ?? ''}`} label={t('title')} loading={list.isPending}
                            onOpen={(w) => go(`/console/workflows/${encodeURIComponent(w.name)}`)}
                            level={(w) => (w.health === 'red' ? 'bad' : w.health === 'amber' ? 'warn' : undefined)}
                            empty={<Empty title={t('empty')} action={add}>{t('empty_more')}</Empty>}
                        />
                    )}
                </Panel>
            </div>
        </Page>
    );
}
