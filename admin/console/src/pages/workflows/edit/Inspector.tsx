// What was chosen in the graph, as fields.
import {Autocomplete, Button, Checkbox, NumberInput, Select, TextInput} from '@mantine/core';
import {IconTrash} from '@tabler/icons-react';
import {useEffect, useState} from 'react';
import {useTexts} from '@/i18n';
import {texts} from '../texts';
import {addEdge, changeEdge, changeStage, type Document, type Edge, edgesOf, isShort, objects, type Stage, stagesOf, withinOf} from './document';
import css from './edit.module.css';
import type {Chosen} from './GraphEditor';

/// Taken over when it is left, so that a half typed name is not one.
function Field({label, value, description, onTake, required}: {label: string; value: string; description?: string; onTake: (value: string) => void; required?: boolean}) {
    const [typed, setTyped] = useState(value);
    useEffect(() => setTyped(value), [value]);
    const take = () => {
        if (required && !typed.trim()) setTyped(value);
        else if (typed !== value) onTake(typed);
    };
    return (
        <TextInput
            label={label} {...(description ? {description} : {})} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} onBlur={take}
            onKeyDown={(event) => event.key === 'Enter' && take()}
        />
    );
}

function StageFields({document, stage, change, remove, rename}: {document: Document; stage: Stage; change: (change: Partial<Stage>) => void; remove: () => void; rename: (name: string) => void}) {
    const t = useTexts(texts);
    const short = isShort(document);
    return (
        <>
            <Field label={t('name')} required value={stage.name} onTake={rename} />
            {!short && <Field label={t('type')} value={stage.type ?? ''} onTake={(type) => change({type})} />}
            {!short && <Field label={t('when')} value={stage.when ?? ''} onTake={(when) => change({when})} />}
            {!short && (
                <Select label={t('terminal')} allowDeselect={false} value={stage.terminal ?? ''} onChange={(value) => change({terminal: (value || undefined) as Stage['terminal']} as Partial<Stage>)}
                    data={[{value: '', label: t('terminal_no')}, {value: 'success', label: t('terminal_success')}, {value: 'failure', label: t('terminal_failure')}]} />
            )}
            {!short && <Checkbox label={t('optional')} checked={!!stage.optional} onChange={(event) => change({optional: event.currentTarget.checked})} />}
            {!short && <Checkbox label={t('exclusive')} checked={!!stage.exclusive} onChange={(event) => change({exclusive: event.currentTarget.checked})} />}
            <Button variant="subtle" color="red" leftSection={<IconTrash size={15} />} onClick={remove}>{t('remove')}</Button>
        </>
    );
}

function EdgeFields({document, edge, change, remove}: {document: Document; edge: Edge; change: (change: Partial<Edge>) => void; remove: () => void}) {
    const t = useTexts(texts);
    const names = stagesOf(document).map((s) => s.name);
    const calendars = objects<{name?: string}>(document.calendars).map((c) => c.name).filter((name) => typeof name === 'string');
    return (
        <>
            <Select label={t('from')} allowDeselect={false} data={names} value={edge.from} onChange={(from) => from && change({from})} />
            <Select label={t('to')} allowDeselect={false} data={names} value={edge.to} onChange={(to) => to && change({to})} />
            <Field label={t('within')} description={t('within_more')} value={withinOf(edge)} onTake={(within) => change({within})} />
            {calendars.length > 0 && <Select label={t('hours')} placeholder={t('hours_no')} clearable data={calendars} value={edge.hours ?? null} onChange={(hours) => change({hours: hours ?? ''})} />}
            <NumberInput label={t('severity')} min={1} max={5} allowDecimal={false} value={edge.severity ?? 3} onChange={(severity) => typeof severity === 'number' && change({severity})} />
            <Field label={t('grace')} value={edge.grace ?? ''} onTake={(grace) => change({grace})} />
            <Field label={t('runbook')} value={edge.runbook ?? ''} onTake={(runbook) => change({runbook})} />
            <Button variant="subtle" color="red" leftSection={<IconTrash size={15} />} onClick={remove}>{t('remove')}</Button>
        </>
    );
}

/// Joins two stages without drawing, for who has no mouse.
function NewEdge({document, onAdd}: {document: Document; onAdd: (from: string, to: string) => void}) {
    const t = useTexts(texts);
    const names = stagesOf(document).map((s) => s.name);
    const [from, setFrom] = useState('');
    const [to, setTo] = useState('');
    const short = isShort(document);
    const known = (name: string) => (short ? name.trim() !== '' : names.includes(name));
    return (
        <form className={css.newEdge} onSubmit={(event) => { event.preventDefault(); onAdd(from.trim(), to.trim()); setFrom(to); setTo(''); }}>
            <Autocomplete size="xs" label={t('from')} data={names} value={from} onChange={setFrom} />
            <Autocomplete size="xs" label={t('to')} data={names} value={to} onChange={setTo} />
            <Button type="submit" disabled={!known(from) || !known(to)}>{t('add_edge')}</Button>
        </form>
    );
}

export function Inspector({document, chosen, onChange, onChoose, onRemove, readOnly}: {
    document: Document; chosen: Chosen | undefined; onChange: (document: Document) => void; onChoose: (chosen: Chosen | undefined) => void; onRemove: (chosen: Chosen) => void; readOnly: boolean;
}) {
    const t = useTexts(texts);
    const stage = chosen?.kind === 'stage' ? stagesOf(document).find((s) => s.name === chosen.name) : undefined;
    const edge = chosen?.kind === 'edge' ? edgesOf(document).find((e) => e.at === chosen.at)?.edge : undefined;
    return (
        <fieldset className={css.inspector} disabled={readOnly}>
            <legend>{stage ? t('stage') : edge ? t('edge') : t('graph')}</legend>
            {stage && <StageFields key={stage.name} document={document} stage={stage} change={(change) => onChange(changeStage(document, stage.name, change))} remove={() => onRemove(chosen!)} rename={(name) => { onChange(changeStage(document, stage.name, {name})); onChoose({kind: 'stage', name}); }} />}
            {edge && chosen?.kind === 'edge' && <EdgeFields key={chosen.at} document={document} edge={edge} change={(change) => onChange(changeEdge(document, chosen.at, change))} remove={() => onRemove(chosen)} />}
            {!stage && !edge && <p className={css.muted}>{t('choose')}</p>}
            {!stage && !edge && !readOnly && <NewEdge document={document} onAdd={(from, to) => onChange(addEdge(document, from, to))} />}
        </fieldset>
    );
}
