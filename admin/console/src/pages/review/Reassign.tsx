// Gives an item to somebody who is there.
import {Select} from '@mantine/core';
import {useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {useTexts} from '@/i18n';
import {ReasonDialog} from '@/parts/Reason';
import {done} from '@/parts/toast';
import {type Item, itemsChanged, reassign, useSummary} from './items';
import {texts} from './texts';

/// Those who are there, who has the least first.
export function WhoSelect({value, onChange, without}: {value: string; onChange: (name: string) => void; without?: string | undefined}) {
    const t = useTexts(texts);
    const summary = useSummary();
    const people = (summary.data?.operators ?? []).filter((o) => o.active && o.name !== without).sort((a, b) => a.open - b.open);
    return (
        <Select
            label={t('reassign_to')}
            searchable
            required
            nothingFoundMessage={t('reassign_none')}
            data={people.map((o) => ({value: o.name, label: `${o.name} · ${t('reassign_load', {count: o.open})}`}))}
            value={value || null}
            onChange={(name) => onChange(name ?? '')}
        />
    );
}

export function Reassign({item, onClose}: {item: Item; onClose: () => void}) {
    const t = useTexts(texts);
    const queries = useQueryClient();
    const [to, setTo] = useState('');
    return (
        <ReasonDialog
            title={t('reassign_title', {id: item.id})}
            action={t('reassign')}
            optional
            run={(why) => reassign(item, to, why)}
            onDone={() => {
                done(t('reassigned_done', {name: to, id: item.id}));
                itemsChanged(queries);
            }}
            onClose={onClose}
        >
            <WhoSelect value={to} onChange={setTo} without={item.holder} />
        </ReasonDialog>
    );
}
