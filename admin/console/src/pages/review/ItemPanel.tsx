// One item: who has it and for how long, what it is about, what was done, and the decision.
import {ActionIcon, Tooltip} from '@mantine/core';
import {IconArrowLeft, IconLock, IconLockOpen} from '@tabler/icons-react';
import {useEffect, useRef} from 'react';
import {ProblemError} from '@/api/client';
import {useNow} from '@/app/clock';
import {useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {Severity} from '@/parts/Badge';
import {fullTime, span} from '@/parts/format';
import {Facts, Panel} from '@/parts/Page';
import {Empty, Loading, Trouble} from '@/parts/States';
import {Countdown, Time, useZone} from '@/parts/Time';
import {Conflict} from './Conflict';
import {DecisionBar} from './DecisionBar';
import {type Desk, useDrafts} from './desk';
import {isLocked, isMine, isOver, type Item, renew, useItem} from './items';
import {StateBadge} from './Queue';
import css from './review.module.css';
import {Steps} from './Steps';
import {Subject} from './Subject';
import {texts} from './texts';

const renewEveryMs = 30_000;

/// Work on an item that one has begun prolongs its lease.
function useRenewal(item: Item | undefined): () => void {
    const renewedAt = useRef(0);
    useEffect(() => {
        renewedAt.current = Date.now();
    }, [item?.id, item?.fence]);
    return () => {
        if (!item || item.state !== 'in_review' || item.fence === undefined || Date.now() - renewedAt.current < renewEveryMs) return;
        renewedAt.current = Date.now();
        // What comes of it shows in the item, which is asked for again and again.
        renew(item).catch(() => undefined);
    };
}

function Lease({item}: {item: Item}) {
    const t = useTexts(texts);
    const zone = useZone();
    const me = useMe();
    const now = useNow(1_000);
    if (item.state !== 'in_review' || !item.lease_until) return null;
    const until = fullTime(new Date(item.lease_until), zone);
    if (isLocked(item, me))
        return (
            <div className={css.lease} data-level="none" role="note">
                <IconLock size={17} aria-hidden />
                <div><strong>{t('held', {name: item.holder ?? ''})}</strong> <span>{t('held_until', {time: until})}</span></div>
                <Countdown to={item.lease_until} />
            </div>
        );
    const ended = Date.parse(item.lease_until) < now;
    return (
        <div className={css.lease} data-level={ended ? 'bad' : 'info'} role="note">
            <IconLockOpen size={17} aria-hidden />
            <div><strong>{t(ended ? 'lease_ended' : 'lease')}</strong> <span>{t(ended ? 'lease_ended_more' : 'lease_more')}</span></div>
            {!ended && <strong>{t('lease_left', {span: span(Math.ceil((Date.parse(item.lease_until) - now) / 1000) * 1000)})}</strong>}
        </div>
    );
}

export function ItemPanel({id, desk, onBack}: {id: number; desk: Desk; onBack: () => void}) {
    const t = useTexts(texts);
    const me = useMe();
    const item = useItem(id);
    const work = useRenewal(item.data);
    const draft = useDrafts((d) => d.of[id]);
    if (item.isPending) return <Panel><Loading rows={10} /></Panel>;
    if (item.isError && item.error instanceof ProblemError && item.error.status === 404)
        return <Panel><Empty title={t('gone')}>{t('gone_more')}</Empty></Panel>;
    if (!item.data) return <Panel><Trouble error={item.error} retry={() => void item.refetch()} /></Panel>;
    const it = item.data;
    const conflict = desk.conflict?.seen.id === id ? desk.conflict : undefined;
    return (
        <article className={css.item} onPointerDown={work} onKeyDown={work} aria-label={`${it.type} ${it.subject ?? ''}`}>
            <header className={css.itemHead}>
                <Tooltip label={t('back')}>
                    <ActionIcon onClick={onBack} aria-label={t('back')}><IconArrowLeft size={18} /></ActionIcon>
                </Tooltip>
                <h2 data-given>{it.type} <span className={css.faint}>{it.subject}</span></h2>
                <StateBadge item={it} />
                {!isOver(it) && it.due && <span className={css.due}>{t('due')} <Countdown to={it.due} /></span>}
            </header>
            <div className={css.itemBody}>
                {conflict && <Conflict conflict={conflict} item={it} typed={!!draft?.text} onClose={() => desk.setConflict(undefined)} onNext={() => { desk.setConflict(undefined); desk.next(id); }} />}
                <Lease item={it} />
                <Subject item={it} />
                <div className={css.two}>
                    <Panel title={t('facts')}>
                        <Facts
                            items={[
                                [t('id'), it.id],
                                [t('queue'), <span data-given>{it.queue}</span>],
                                [t('priority'), it.priority],
                                ...(it.severity ? [[t('severity'), <Severity value={it.severity} />] as [string, React.ReactNode]] : []),
                                [t('region'), <span data-given>{it.region}</span>],
                                [t('tenant'), <span data-given>{it.tenant}</span>],
                                [t('holder'), it.holder ? (isMine(it, me) ? t('yours') : <span data-given>{it.holder}</span>) : t('nobody')],
                                ...(it.skills ? [[t('skills'), <span data-given>{it.skills.join(', ')}</span>] as [string, React.ReactNode]] : []),
                                [t('created'), <Time at={it.created} />],
                                ...(it.expires ? [[t('expires'), <Time at={it.expires} />] as [string, React.ReactNode]] : []),
                                ...(isOver(it) && it.state !== 'expired' ? [[t('stored'), t(it.finished ? 'stored_yes' : 'stored_no')] as [string, React.ReactNode]] : []),
                            ]}
                        />
                    </Panel>
                    <Panel title={t('history')}><Steps steps={it.history ?? []} /></Panel>
                </div>
            </div>
            <DecisionBar item={it} desk={desk} />
        </article>
    );
}
