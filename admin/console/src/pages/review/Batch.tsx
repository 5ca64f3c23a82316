// One decision for many items: a preview, then progress, then a result for each, and a way back.
import {Button, Group, Modal, Progress, Stack, Textarea} from '@mantine/core';
import {useQueryClient} from '@tanstack/react-query';
import {useEffect, useMemo, useRef, useState} from 'react';
import {api, unwrap} from '@/api/client';
import {useNow} from '@/app/clock';
import {useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {count, span} from '@/parts/format';
import {done as told} from '@/parts/toast';
import {type BatchResult, type BatchState, doneOf, failedOf, runBatch} from './batch';
import {type Decision, fetchItem, grip, type Item, isOver, itemsChanged, mayDecide, reassign, takeOut, undo} from './items';
import {WhoSelect} from './Reassign';
import css from './review.module.css';
import {texts} from './texts';

export type BatchKind = Decision | 'reassign';
const decisionsAtOnce = 20, previewed = 6;

async function sendDecisions(some: readonly Item[], decision: Decision, reason: string): Promise<BatchResult[]> {
    const answer = await unwrap(api.POST('/api/v1/review/decisions', {body: {items: some.map((item) => ({id: item.id, ...grip(item), decision, ...(reason ? {reason} : {})}))}}));
    return some.map((item, i) => {
        const one = answer.results[i];
        return one?.result ? {item, version: one.result.version} : {item, problem: one?.problem};
    });
}

function Preview({items, leftOut}: {items: readonly Item[]; leftOut: number}) {
    const t = useTexts(texts);
    const byQueue = useMemo(() => {
        const counts = new Map<string, number>();
        for (const item of items) counts.set(`${item.queue} · ${item.type}`, (counts.get(`${item.queue} · ${item.type}`) ?? 0) + 1);
        return [...counts].sort((a, b) => b[1] - a[1]);
    }, [items]);
    return (
        <section aria-label={t('batch_preview')} className={css.preview} data-given>
            <ul className={css.kinds}>
                {byQueue.map(([kind, n]) => <li key={kind}><strong>{count(n)}</strong> {kind}</li>)}
            </ul>
            <ul className={css.some}>
                {items.slice(0, previewed).map((item) => <li key={item.id}><span className={css.faint}>{item.id}</span> {item.type} {item.subject}</li>)}
            </ul>
            {items.length > previewed && <p className={css.faint}>{t('batch_more', {count: items.length - previewed})}</p>}
            {leftOut > 0 && <Badge level="warn">{t('batch_locked', {count: leftOut})}</Badge>}
        </section>
    );
}

function Undo({results, onUndone}: {results: readonly BatchResult[]; onUndone: (ids: number[]) => void}) {
    const t = useTexts(texts);
    const now = useNow(1_000);
    const [until, setUntil] = useState<number | undefined>();
    const [busy, setBusy] = useState(false);
    const first = results[0]?.item.id;
    useEffect(() => {
        if (first === undefined) return;
        fetchItem(first).then((item) => item.undo_until && setUntil(Date.parse(item.undo_until)), () => undefined);
    }, [first]);
    if (until === undefined || until <= now || results.length === 0) return null;
    const run = async () => {
        setBusy(true);
        const undone: number[] = [];
        for (const {item, version} of results) {
            try {
                await undo(item.id, version!, t('undo_reason'));
                undone.push(item.id);
            } catch {
                // Stays in the list of what was done.
            }
        }
        setBusy(false);
        told(t('batch_undone', {count: undone.length}));
        onUndone(undone);
    };
    return <Button loading={busy} onClick={() => void run()}>{t('batch_undo', {count: results.length, span: span(Math.ceil((until - now) / 1000) * 1000)})}</Button>;
}

export function Batch({kind, items: given, onClose}: {kind: BatchKind; items: readonly Item[]; onClose: (done: number[]) => void}) {
    const t = useTexts(texts);
    const me = useMe();
    const queries = useQueryClient();
    // As they were when this was opened: what changes meanwhile is refused, and told.
    const [items] = useState(() => given.filter((item) => (kind === 'reassign' ? !isOver(item) : mayDecide(item, me))));
    const [reason, setReason] = useState('');
    const [to, setTo] = useState('');
    const [batch, setBatch] = useState<BatchState | undefined>();
    const stop = useRef(false);
    const ready = items.length > 0 && (kind === 'approved' || (kind === 'rejected' ? reason.trim() !== '' : to !== ''));
    const run = async () => {
        const send = kind === 'reassign'
            ? async (some: readonly Item[]): Promise<BatchResult[]> => [{item: some[0]!, version: (await reassign(some[0]!, to, reason.trim())).version}]
            : (some: readonly Item[]) => sendDecisions(some, kind, reason.trim());
        const ended = await runBatch(items, kind === 'reassign' ? 1 : decisionsAtOnce, send, setBatch, () => stop.current);
        if (kind !== 'reassign') takeOut(queries, doneOf(ended).map((r) => r.item.id));
        itemsChanged(queries);
    };
    const running = batch?.state === 'running';
    const close = () => onClose(batch ? doneOf(batch).map((r) => r.item.id) : []);
    return (
        <Modal opened onClose={close} title={t(`batch_title_${kind}`, {count: items.length})} size="lg" closeOnClickOutside={false} closeOnEscape={!running} withCloseButton={!running} closeButtonProps={{'aria-label': t('close')}}>
            <Stack gap="sm">
                {!batch && <Preview items={items} leftOut={given.length - items.length} />}
                {!batch && kind === 'reassign' && <WhoSelect value={to} onChange={setTo} />}
                {!batch && <Textarea data-autofocus={kind === 'rejected' || undefined} autosize minRows={2} maxLength={1024} required={kind === 'rejected'} label={kind === 'rejected' ? t('reject_reason') : t('note')} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />}
                {batch && (
                    <div role="status">
                        <Progress value={(100 * batch.results.length) / Math.max(batch.total, 1)} aria-label={t('batch_progress', {done: count(batch.results.length), total: count(batch.total)})} />
                        <p className={css.counts}>
                            <span>{t('batch_progress', {done: count(batch.results.length), total: count(batch.total)})}</span>
                            <Badge level="ok" quiet>{t('batch_done', {count: doneOf(batch).length})}</Badge>
                            {failedOf(batch).length > 0 && <Badge level="bad" quiet>{t('batch_failed', {count: failedOf(batch).length})}</Badge>}
                            {batch.state === 'stopped' && <Badge level="warn" quiet>{t('batch_stopped', {count: batch.total - batch.results.length})}</Badge>}
                        </p>
                    </div>
                )}
                {batch && (
                    <ul className={css.results} aria-label={t('batch_result')} tabIndex={0}>
                        {[...failedOf(batch), ...doneOf(batch)].map(({item, version, problem}) => (
                            <li key={item.id} data-failed={version === undefined || undefined}>
                                <Badge level={version === undefined ? 'bad' : 'ok'} quiet>{version === undefined ? t('batch_failed', {count: 1}) : t('batch_ok')}</Badge>
                                <span data-given>{item.id} {item.type} {item.subject}</span>
                                {version === undefined && <em data-given>{problem ? `${problem.title}: ${problem.detail}` : ''}</em>}
                            </li>
                        ))}
                    </ul>
                )}
                <Group justify="flex-end" gap="xs">
                    {batch?.state === 'done' && kind !== 'reassign' && (
                        <Undo results={doneOf(batch)} onUndone={(ids) => {
                            setBatch({...batch, results: batch.results.filter((r) => !ids.includes(r.item.id))});
                            itemsChanged(queries);
                        }} />
                    )}
                    {!batch && <Button onClick={close}>{t('cancel')}</Button>}
                    {!batch && <Button variant="filled" {...(kind === 'rejected' ? {color: 'red'} : {})} disabled={!ready} onClick={() => void run()}>{t('batch_run', {count: items.length})}</Button>}
                    {running && <Button onClick={() => { stop.current = true; }}>{t('batch_stop')}</Button>}
                    {batch && !running && <Button variant="filled" onClick={close}>{t('close')}</Button>}
                </Group>
            </Stack>
        </Modal>
    );
}
