// Approve, reject with a reason, give back, escalate, reassign, undo: only what this person may do with this item now.
import {Button, Textarea} from '@mantine/core';
import {IconArrowBackUp, IconArrowUp, IconCheck, IconPlayerPlay, IconUserShare, IconX} from '@tabler/icons-react';
import {useRef, useState} from 'react';
import {flushSync} from 'react-dom';
import {useQueryClient} from '@tanstack/react-query';
import {useNow} from '@/app/clock';
import {useMay, useMe} from '@/app/session';
import {useShortcut} from '@/app/shortcuts';
import {useTexts} from '@/i18n';
import {span} from '@/parts/format';
import {ReasonDialog} from '@/parts/Reason';
import {done} from '@/parts/toast';
import {type Desk, setDraft, useDrafts} from './desk';
import {escalate, isMine, isOver, type Item, itemsChanged, mayDecide, mayTake, release} from './items';
import {Reassign} from './Reassign';
import css from './review.module.css';
import {texts} from './texts';

export function DecisionBar({item, desk}: {item: Item; desk: Desk}) {
    const t = useTexts(texts);
    const me = useMe();
    const supervises = useMay('supervisor');
    const queries = useQueryClient();
    const {rejecting, text} = useDrafts((d) => d.of[item.id]) ?? {rejecting: false, text: ''};
    const [asking, setAsking] = useState<'escalate' | 'reassign' | undefined>();
    const reason = useRef<HTMLTextAreaElement>(null);
    const now = useNow(1_000);
    const mine = isMine(item, me);
    const decides = mayDecide(item, me);
    const escalates = !isOver(item) && !item.escalated && (mine || supervises);
    const undoLeft = item.undo_until ? Date.parse(item.undo_until) - now : 0;
    const undoes = undoLeft > 0 && (supervises || item.history?.[item.history.length - 1]?.by === me.name);

    const askReason = () => {
        // At once: what is typed next belongs to the reason.
        flushSync(() => setDraft(item.id, {rejecting: true, text}));
        reason.current?.focus();
        if (mine && item.state === 'assigned') void desk.begin(item);
    };
    const reject = () => {
        if (text.trim()) void desk.settle(item, 'rejected', text.trim());
        else reason.current?.focus();
    };
    const giveBack = () => desk.run(item, async () => {
        await release(item);
        done(t('released', {id: item.id}));
        desk.next(item.id);
    });
    useShortcut('review.approve', () => void desk.settle(item, 'approved', text.trim()), decides && !desk.busy);
    useShortcut('review.reject', askReason, decides);
    useShortcut('review.release', () => void giveBack(), mine && !isOver(item));
    useShortcut('review.escalate', () => setAsking('escalate'), escalates);
    useShortcut('review.begin', () => void desk.begin(item), (mine && item.state === 'assigned') || mayTake(item, me));

    if (isOver(item) && !undoes && !(rejecting && text)) return null;
    return (
        <footer className={css.bar}>
            {rejecting && (decides || text) && (
                <Textarea
                    ref={reason}
                    autosize
                    minRows={2}
                    maxRows={6}
                    maxLength={1024}
                    label={t('reject_reason')}
                    value={text}
                    onChange={(event) => setDraft(item.id, {rejecting: true, text: event.currentTarget.value})}
                    onKeyDown={(event) => {
                        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) reject();
                        if (event.key === 'Escape') setDraft(item.id, {rejecting: false, text});
                    }}
                />
            )}
            <div className={css.buttons}>
                {decides && !rejecting && <Button variant="filled" leftSection={<IconCheck size={16} />} loading={desk.busy} onClick={() => void desk.settle(item, 'approved', text.trim())}>{t('approve')}</Button>}
                {decides && !rejecting && <Button leftSection={<IconX size={16} />} color="red" variant="outline" onClick={askReason}>{t('reject')}</Button>}
                {decides && rejecting && <Button variant="filled" color="red" leftSection={<IconX size={16} />} loading={desk.busy} disabled={!text.trim()} onClick={reject}>{t('reject')}</Button>}
                {decides && rejecting && <Button onClick={() => setDraft(item.id, {rejecting: false, text})}>{t('cancel')}</Button>}
                {mayTake(item, me) && <Button leftSection={<IconPlayerPlay size={16} />} loading={desk.busy} onClick={() => void desk.begin(item)}>{t('take')}</Button>}
                {mine && item.state === 'assigned' && <Button leftSection={<IconPlayerPlay size={16} />} loading={desk.busy} onClick={() => void desk.begin(item)}>{t('begin')}</Button>}
                <span className={css.apart} />
                {mine && !isOver(item) && <Button variant="subtle" color="gray" leftSection={<IconArrowBackUp size={16} />} onClick={() => void giveBack()}>{t('release')}</Button>}
                {escalates && <Button variant="subtle" color="gray" leftSection={<IconArrowUp size={16} />} onClick={() => setAsking('escalate')}>{t('escalate')}</Button>}
                {supervises && !isOver(item) && <Button variant="subtle" color="gray" leftSection={<IconUserShare size={16} />} onClick={() => setAsking('reassign')}>{t('reassign')}</Button>}
                {undoes && <Button leftSection={<IconArrowBackUp size={16} />} loading={desk.busy} onClick={() => void desk.takeBack(item.id, item.version)}>{t('undo_left', {span: span(Math.ceil(undoLeft / 1000) * 1000)})}</Button>}
            </div>
            {asking === 'escalate' && (
                <ReasonDialog
                    title={t('escalate_title', {id: item.id})}
                    action={t('escalate')}
                    run={(why) => escalate(item, why)}
                    onDone={() => {
                        done(t('escalated_done', {id: item.id}));
                        if (mine) desk.next(item.id);
                        itemsChanged(queries);
                    }}
                    onClose={() => setAsking(undefined)}
                >
                    <p>{t('escalate_more')}</p>
                </ReasonDialog>
            )}
            {asking === 'reassign' && <Reassign item={item} onClose={() => setAsking(undefined)} />}
        </footer>
    );
}
