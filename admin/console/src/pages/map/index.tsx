// A workflow as it is configured, with how each part of it stands now.
import {Button, Select} from '@mantine/core';
import {IconPencil, IconSitemap} from '@tabler/icons-react';
import {useQuery} from '@tanstack/react-query';
import {lazy, Suspense, useMemo, useRef} from 'react';
import {Link, useLocation, useParams} from 'wouter';
import {ProblemError, type Schemas} from '@/api/client';
import {useAddress} from '@/app/address';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {Page, Panel} from '@/parts/Page';
import {Empty, Loading, Trouble} from '@/parts/States';
import {NextDeadlines} from '../workflows/NextDeadlines';
import {healthLevels, useWorkflow, workflowsQuery} from '../workflows/workflows';
import css from './map.module.css';
import {type Drawing, drawingOf} from './model';
import {findChosen, Items, RuleSide, StageSide, WholeSide} from './Side';
import {texts} from './texts';

const MapGraph = lazy(() => import('./MapGraph'));
const names = ['at', 'group', 'phase'] as const;
const worst = {red: 0, amber: 1, green: 2};
type Phase = Schemas['RulePhase'];

export default function MapPage() {
    const t = useTexts(texts);
    const params = useParams<{workflow?: string}>();
    const [, go] = useLocation();
    const [address, setAddress] = useAddress(names);
    const list = useQuery({...workflowsQuery, refetchInterval: 5_000});
    const running = (list.data?.items ?? []).filter((w) => w.state === 'active');
    // Without a name, the one in the worst health.
    const name = params.workflow ? decodeURIComponent(params.workflow) : ([...running].sort((a, b) => worst[a.health] - worst[b.health])[0]?.name ?? '');
    const workflow = useWorkflow(name, 2_000);
    const w = workflow.data;
    const before = useRef<Drawing | undefined>(undefined);
    const drawing = useMemo(() => (w ? (before.current = drawingOf(w, before.current)) : undefined), [w]);
    const choose = (id: string | undefined) => {
        if (id !== address.at) setAddress({at: id ?? '', phase: ''}, true);
    };
    const {stage, rule} = w ? findChosen(w, address.at) : {};
    const trouble = rule ? rule.counts.in_trouble : w?.rules.some((r) => r.counts.in_trouble > 0);
    const phase = (address.phase as Phase | undefined) ?? (trouble ? 'missed' : 'pending');

    if (list.data && running.length === 0 && !params.workflow)
        return <Page title={t('title')}><Panel><Empty icon={<IconSitemap size={28} stroke={1.4} />} title={t('none')} action={<Button component={Link} href="/console/workflows">{t('to_workflows')}</Button>}>{t('none_more')}</Empty></Panel></Page>;
    const gone = workflow.error instanceof ProblemError && workflow.error.status === 404;
    return (
        <Page
            title={t('title')}
            fill
            note={w && <Badge level={healthLevels[w.health]}>{t(w.health)}</Badge>}
            actions={
                <>
                    <Select aria-label={t('workflow')} searchable allowDeselect={false} data={[...new Set([...(name ? [name] : []), ...running.map((one) => one.name)])]} value={name || null} onChange={(to) => to && go(`/console/map/${encodeURIComponent(to)}`)} />
                    {name && <Button component={Link} href={`/console/workflows/${encodeURIComponent(name)}/edit`} leftSection={<IconPencil size={15} />}>{t('edit')}</Button>}
                </>
            }
        >
            {gone ? <Panel><Empty title={t('gone')} action={<Button component={Link} href="/console/workflows">{t('to_workflows')}</Button>} /></Panel>
            : !w && (workflow.isError || list.isError) ? <Panel><Trouble error={workflow.error ?? list.error} retry={() => { void list.refetch(); void workflow.refetch(); }} /></Panel>
            : !w || !drawing ? <Panel><Loading rows={10} /></Panel>
            : (
                <div className={css.map}>
                    <section className={css.graph} aria-label={t('graph', {name})}>
                        <Suspense fallback={<Loading rows={8} />}>
                            <MapGraph key={name} drawing={drawing} chosen={address.at} onChoose={choose} label={t('graph', {name})} />
                        </Suspense>
                    </section>
                    <aside className={css.side} aria-label={address.at ? (stage?.name ?? rule?.name ?? name) : name}>
                        {(stage || rule) && <Button variant="subtle" size="compact-sm" onClick={() => choose(undefined)}>{t('all')}</Button>}
                        {stage ? <StageSide workflow={w} stage={stage} onChoose={choose} />
                        : rule ? <RuleSide workflow={name} rule={rule} />
                        : <WholeSide workflow={w} group={address.group} onGroup={(group) => setAddress({group: group ?? ''}, true)} />}
                        {!stage && (rule ?? w.rules.find((r) => r.kind === 'edge'))?.kind === 'edge' && <Items workflow={name} {...(rule ? {rule: rule.name} : {})} group={address.group} phase={phase} onPhase={(to) => setAddress({phase: to}, true)} />}
                        {!stage && !rule && <NextDeadlines workflow={w} />}
                    </aside>
                </div>
            )}
        </Page>
    );
}
