// The filter as text, with completion.
import {Combobox, TextInput, useCombobox} from '@mantine/core';
import {IconSearch} from '@tabler/icons-react';
import {useEffect, useRef, useState} from 'react';
import {defineAction, useShortcut} from '@/app/shortcuts';
import {useTexts} from '@/i18n';
import {completions, type Fault, type Field} from './language';
import css from './Search.module.css';
import {texts} from './texts';

defineAction('search.focus', '/', texts, 'focus');

export function QueryInput({value, onSubmit, faults, values}: {
    value: string; onSubmit: (text: string) => void; faults: Fault[]; values: (field: Field) => readonly string[];
}) {
    const t = useTexts(texts);
    const [typed, setTyped] = useState(value);
    const [cursor, setCursor] = useState(value.length);
    const input = useRef<HTMLInputElement>(null);
    const box = useCombobox();
    useEffect(() => setTyped(value), [value]);
    useShortcut('search.focus', () => input.current?.focus());
    const {from, options} = completions(typed, cursor, values);
    const take = (option: string) => {
        const next = `${typed.slice(0, from)}${option}${/[:=]$/.test(option) ? '' : ' '}${typed.slice(cursor).trimStart()}`;
        const end = from + option.length + (/[:=]$/.test(option) ? 0 : 1);
        setTyped(next);
        setCursor(end);
        box.resetSelectedOption();
        requestAnimationFrame(() => input.current?.setSelectionRange(end, end));
        if (!/[:=]$/.test(option)) onSubmit(next.trim());
    };
    return (
        <Combobox store={box} onOptionSubmit={take} withinPortal shadow="md">
            <Combobox.Target>
                <TextInput
                    ref={input}
                    className={css.query}
                    size="sm"
                    aria-label={t('query')}
                    placeholder={t('placeholder')}
                    spellCheck={false}
                    autoComplete="off"
                    leftSection={<IconSearch size={16} aria-hidden />}
                    value={typed}
                    error={faults.length > 0 ? faults.map((f) => t(f.kind, {what: f.what})).join(' · ') : undefined}
                    onChange={(event) => {
                        setTyped(event.currentTarget.value);
                        setCursor(event.currentTarget.selectionStart ?? event.currentTarget.value.length);
                        box.openDropdown();
                        box.resetSelectedOption();
                    }}
                    onSelect={(event) => setCursor(event.currentTarget.selectionStart ?? 0)}
                    onFocus={() => box.openDropdown()}
                    onBlur={() => {
                        box.closeDropdown();
                        if (typed.trim() !== value) onSubmit(typed.trim());
                    }}
                    onKeyDown={(event) => {
                        if (event.key === 'Escape') box.closeDropdown();
                        if (event.key === 'Enter' && box.getSelectedOptionIndex() < 0) {
                            box.closeDropdown();
                            onSubmit(typed.trim());
                        }
                    }}
                />
            </Combobox.Target>
            <Combobox.Dropdown hidden={options.length === 0}>
                <Combobox.Options>
                    {options.map((option) => <Combobox.Option key={option} value={option} className="mono">{option}</Combobox.Option>)}
                </Combobox.Options>
            </Combobox.Dropdown>
        </Combobox>
    );
}
