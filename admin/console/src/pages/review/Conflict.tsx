// Why a command was refused: who has the item now, what was done since it was looked at, and how to go on.
import {Button} from '@mantine/core';
import {IconGitMerge} from '@tabler/icons-react';
import {useMe} from '@/app/session';
import {useTexts} from '@/i18n';
import {fullTime} from '@/parts/format';
import {useZone} from '@/parts/Time';
import type {Conflict as Refusal} from './desk';
import {isMine, isOver, type Item} from './items';
import css from './review.module.css';
import {Steps} from './Steps';
import {texts} from './texts';

export function Conflict({conflict, item, typed, onClose, onNext}: {
    conflict: Refusal;
    /// As it is now.
    item: Item;
    typed: boolean;
    onClose: () => void;
    onNext: () => void;
}) {
    const t = useTexts(texts);
    const me = useMe();
    const zone = useZone();
    const since = (item.history ?? []).filter((step) => step.version > conflict.seen.version);
    const last = item.history?.[item.history.length - 1];
    const now =
        isOver(item) ? t('conflict_over', {state: t(`state_${item.state}`), name: last?.by ?? ''})
        : isMine(item, me) ? t('conflict_yours')
        : !item.holder ? t('conflict_waits')
        : item.lease_until ? t('conflict_held', {name: item.holder, time: fullTime(new Date(item.lease_until), zone)})
        : t('conflict_held_by', {name: item.holder});
    return (
        <section className={css.conflict} role="alert">
            <h3><IconGitMerge size={17} aria-hidden /> {t('conflict')}</h3>
            <p>{now}</p>
            {since.length === 0 && <p className={css.faint} data-given>{conflict.error.problem?.detail}</p>}
            {since.length > 0 && <h4>{t('conflict_changes')}</h4>}
            {since.length > 0 && <Steps steps={since} />}
            {typed && <p>{t('conflict_kept')}</p>}
            <div className={css.buttons}>
                <Button onClick={onClose}>{t('look_again')}</Button>
                <Button onClick={onNext}>{t('next_item')}</Button>
            </div>
        </section>
    );
}
