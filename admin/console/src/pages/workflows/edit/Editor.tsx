// A workflow's document, drawn and written side by side, checked while it changes, tried over history, published.
import {Button, SegmentedControl} from '@mantine/core';
import {useDebouncedValue} from '@mantine/hooks';
import {IconArrowBackUp, IconArrowForwardUp, IconPlus, IconUpload} from '@tabler/icons-react';
import {keepPreviousData, useQuery} from '@tanstack/react-query';
import {lazy, Suspense, useEffect, useRef, useState} from 'react';
import {Link, useLocation} from 'wouter';
import {useAddress} from '@/app/address';
import {useMay, useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {DueTimes} from '@/parts/DueTimes';
import {Page, Panel} from '@/parts/Page';
import {Loading, Trouble} from '@/parts/States';
import {texts} from '../texts';
import {check, fetchVersion, useVersions, useWorkflow} from '../workflows';
import {addEdge, addStage, clockKinds, type Document, objects, parseDocument, pretty, removeEdge, removeStage, template} from './document';
import css from './edit.module.css';
import type {Chosen} from './GraphEditor';
import {Inspector} from './Inspector';
import {PublishDialog} from './PublishDialog';
import {Simulate} from './Simulate';

const GraphEditor = lazy(() => import('./GraphEditor'));
const JsonEditor = lazy(() => import('./JsonEditor'));
const names = ['version'] as const;
const none: never[] = [];

/// The text of the version that the address names, else of the active, else of the newest.
function useOpened(name: string, wanted: number | undefined) {
    const versions = useVersions(name);
    const list = versions.data?.items ?? none;
    const version = wanted ?? list.find((v) => v.state === 'active')?.version ?? list[list.length - 1]?.version;
    const opened = useQuery({
        queryKey: ['workflows', name, 'document', version],
        queryFn: async ({signal}) => pretty((await fetchVersion(name, version!, signal)).document),
        enabled: name !== '' && version !== undefined,
        staleTime: Infinity,
    });
    return {text: name === '' ? template : opened.data, version, error: opened.error ?? versions.error, retry: () => void (versions.error ? versions.refetch() : opened.refetch())};
}

export default function Editor({name}: {name: string}) {
    const t = useTexts(texts);
    const [address] = useAddress(names);
    const opened = useOpened(name, Number(address.version) || undefined);
    if (opened.text === undefined)
        return <Page title={t('edit_title', {name})}>{<Panel>{opened.error ? <Trouble error={opened.error} retry={opened.retry} /> : <Loading rows={10} />}</Panel>}</Page>;
    return <Opened key={opened.version} name={name} text={opened.text} version={opened.version} />;
}

function Opened({name, text: first, version}: {name: string; text: string; version: number | undefined}) {
    const t = useTexts(texts);
    const me = useMe();
    const [, go] = useLocation();
    const wholly = me.regions.length === 0 && me.tenants.length === 0;
    const supervises = useMay('supervisor') && wholly, operates = useMay('operator') && wholly;
    const workflow = useWorkflow(name, 10_000);
    const [text, setText] = useState(first);
    const [back, setBack] = useState<string[]>([]);
    const [forward, setForward] = useState<string[]>([]);
    const [chosen, setChosen] = useState<Chosen | undefined>();
    const [focusOn, setFocusOn] = useState<{pointer: string} | undefined>();
    const [publishing, setPublishing] = useState(false);
    const [shown, setShown] = useState<'graph' | 'document'>('graph');
    const parsed = parseDocument(text);
    const lastGood = useRef<Document>(parsed ?? {});
    if (parsed) lastGood.current = parsed;
    const document = parsed ?? lastGood.current;

    const [asked] = useDebouncedValue(text, 250);
    const checked = useQuery({queryKey: ['workflow-check', asked], queryFn: ({signal}) => check(asked, signal), enabled: operates, placeholderData: keepPreviousData, staleTime: Infinity, retry: false});
    const faults = checked.data?.faults ?? none;
    const current = asked === text && !checked.isFetching && !!checked.data;
    const changed = text !== first;
    useEffect(() => {
        if (!changed) return;
        const ask = (event: BeforeUnloadEvent) => event.preventDefault();
        window.addEventListener('beforeunload', ask);
        return () => window.removeEventListener('beforeunload', ask);
    }, [changed]);

    /// A step of the visual side; the text side has its own way back.
    const draw = (next: Document) => {
        if (next === document) return;
        setBack((steps) => [...steps.slice(-99), text]);
        setForward([]);
        setText(pretty(next));
    };
    const walk = (from: string[], setFrom: (s: string[]) => void, setTo: (f: (s: string[]) => string[]) => void) => {
        const to = from[from.length - 1];
        if (to === undefined) return;
        setFrom(from.slice(0, -1));
        setTo((steps) => [...steps, text]);
        setText(to);
    };
    const remove = (what: Chosen) => {
        draw(what.kind === 'stage' ? removeStage(document, what.name) : removeEdge(document, what.at));
        setChosen(undefined);
    };
    const clockRules = clockKinds.flatMap((kind) => objects<{name?: string}>(document[kind]).map((rule, at) => ({kind, at, rule})));
    const title = name ? t('edit_title', {name}) : t('new_title');
    return (
        <Page
            title={title}
            note={<>{name && <Link href={`/console/workflows/${encodeURIComponent(name)}`}>{version !== undefined && t('version_n', {n: version})}</Link>} {changed && <Badge level="warn" quiet>{t('unsaved')}</Badge>} {!supervises && t('read_only')}</>}
            actions={supervises && <Button variant="filled" leftSection={<IconUpload size={15} />} disabled={!parsed?.name} onClick={() => setPublishing(true)}>{t('publish')}</Button>}
        >
            <div className={css.sides}>
                <SegmentedControl className={css.phone} aria-label={t('document')} value={shown} onChange={(value) => setShown(value as typeof shown)} data={[{value: 'graph', label: t('graph')}, {value: 'document', label: t('document')}]} />
                <section className={css.side} aria-label={t('graph')} data-hidden={shown !== 'graph' || undefined}>
                    <div className={css.toolbar}>
                        {supervises || operates ? (
                            <>
                                <Button size="compact-sm" leftSection={<IconPlus size={14} />} disabled={!parsed} onClick={() => { const added = addStage(document); draw(added.document); setChosen({kind: 'stage', name: added.name}); }}>{t('add_stage')}</Button>
                                <Button size="compact-sm" variant="subtle" color="gray" leftSection={<IconArrowBackUp size={15} />} disabled={back.length === 0} onClick={() => walk(back, setBack, setForward)}>{t('undo')}</Button>
                                <Button size="compact-sm" variant="subtle" color="gray" leftSection={<IconArrowForwardUp size={15} />} disabled={forward.length === 0} onClick={() => walk(forward, setForward, setBack)}>{t('redo')}</Button>
                            </>
                        ) : null}
                        {!parsed && <Badge level="warn" quiet>{t('not_json')}</Badge>}
                    </div>
                    <div className={css.graph}>
                        <Suspense fallback={<Loading />}>
                            <GraphEditor document={document} chosen={chosen} onChoose={setChosen} onJoin={(from, to) => draw(addEdge(document, from, to))} onRemove={remove} readOnly={!operates || !parsed} />
                        </Suspense>
                    </div>
                    <Inspector document={document} chosen={chosen} onChange={draw} onChoose={setChosen} onRemove={remove} readOnly={!operates || !parsed} />
                    {clockRules.length > 0 && (
                        <div className={css.clockRules}>
                            <h3>{t('clock_rules')}</h3>
                            {clockRules.map(({kind, at, rule}) => {
                                const due = kind === 'expected' ? checked.data?.due.find((d) => d.rule === rule.name) : undefined;
                                return (
                                    <div key={`${kind}${at}`} className={css.clockRule}>
                                        <Button variant="subtle" size="compact-sm" onClick={() => { setShown('document'); setFocusOn({pointer: `/${kind}/${at}`}); }} data-given>{rule.name ?? `${kind} ${at}`}</Button> <span className={css.muted}>{t(`kind_${kind}`)}</span>
                                        {due && due.at.length > 0 && <DueTimes at={due.at} zone={due.zone} />}
                                    </div>
                                );
                            })}
                        </div>
                    )}
                </section>
                <section className={css.side} aria-label={t('document')} data-hidden={shown !== 'document' || undefined}>
                    <div className={css.toolbar} role="status">
                        {!operates ? <Badge level="none" quiet>{t('not_checked')}</Badge>
                        : !current ? <Badge level="none" quiet>{checked.isError ? t('not_checked') : t('checking')}</Badge>
                        : faults.length === 0 ? <Badge level="ok" quiet>{t('no_faults')}</Badge>
                        : <Badge level="bad" quiet>{t('faults', {count: faults.length})}</Badge>}
                    </div>
                    <div className={css.text}>
                        <Suspense fallback={<Loading />}>
                            <JsonEditor text={text} onChange={setText} faults={faults} readOnly={!operates} label={t('document')} focusOn={focusOn} />
                        </Suspense>
                    </div>
                    {faults.length > 0 && (
                        <ul className={css.faults} aria-label={t('faults', {count: faults.length})}>
                            {faults.map((fault) => (
                                <li key={`${fault.pointer} ${fault.what}`}><button type="button" onClick={() => setFocusOn({pointer: fault.pointer})}><code>{fault.pointer}</code> <span data-given>{fault.what}</span></button></li>
                            ))}
                        </ul>
                    )}
                </section>
            </div>
            {operates && <Simulate document={parsed && faults.length === 0 ? parsed : undefined} />}
            {publishing && parsed?.name && (
                <PublishDialog
                    text={text} name={parsed.name} faulty={faults.length > 0} ofFile={workflow.data?.owner === 'file' && parsed.name === name}
                    onClose={() => setPublishing(false)}
                    onPublished={(made) => go(`/console/workflows/${encodeURIComponent(parsed.name!)}?diff=${made.version}`)}
                />
            )}
        </Page>
    );
}
