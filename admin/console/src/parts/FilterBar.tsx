// Filters that live in the address bar. Text is taken after a short pause, choices at once.
import {Button, Select, TextInput} from '@mantine/core';
import {IconFilterOff, IconSearch} from '@tabler/icons-react';
import {type ReactNode, useEffect, useRef, useState} from 'react';
import type {Address} from '@/app/address';
import {useTexts} from '@/i18n';
import css from './FilterBar.module.css';
import {texts} from './texts';

export type Filter<Name extends string> =
    | {name: Name; label: string; kind: 'text'; wide?: boolean}
    | {name: Name; label: string; kind: 'choice'; choices: {value: string; label: string}[]};

const pauseMs = 300;

function TextFilter({label, value, onChange, wide}: {label: string; value: string; onChange: (value: string) => void; wide?: boolean}) {
    const [typed, setTyped] = useState(value);
    const sent = useRef(value);
    useEffect(() => {
        if (value !== sent.current) {
            sent.current = value;
            setTyped(value);
        }
    }, [value]);
    useEffect(() => {
        if (typed === sent.current) return;
        const timer = setTimeout(() => {
            sent.current = typed;
            onChange(typed);
        }, pauseMs);
        return () => clearTimeout(timer);
    }, [typed, onChange]);
    return (
        <TextInput
            className={wide ? css.wide : css.field}
            placeholder={label}
            aria-label={label}
            leftSection={<IconSearch size={14} aria-hidden />}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
        />
    );
}

export function FilterBar<Name extends string>({filters, address, onChange, children}: {
    filters: Filter<Name>[];
    address: Address<Name>;
    onChange: (change: Address<Name>, replace?: boolean) => void;
    children?: ReactNode;
}) {
    const t = useTexts(texts);
    const set = filters.filter((f) => address[f.name]);
    return (
        <div className={css.bar} role="search" aria-label={t('filter')}>
            {filters.map((filter) =>
                filter.kind === 'text' ? (
                    <TextFilter
                        key={filter.name}
                        label={filter.label}
                        value={address[filter.name] ?? ''}
                        {...(filter.wide ? {wide: true} : {})}
                        onChange={(value) => onChange({[filter.name]: value} as Address<Name>, true)}
                    />
                ) : (
                    <Select
                        key={filter.name}
                        className={css.field}
                        placeholder={filter.label}
                        aria-label={filter.label}
                        data={filter.choices}
                        value={address[filter.name] ?? null}
                        clearable
                        clearButtonProps={{'aria-label': t('clear')}}
                        onChange={(value) => onChange({[filter.name]: value ?? ''} as Address<Name>)}
                    />
                ),
            )}
            {children}
            {set.length > 0 && (
                <Button
                    variant="subtle"
                    leftSection={<IconFilterOff size={14} aria-hidden />}
                    onClick={() => onChange(Object.fromEntries(set.map((f) => [f.name, ''])) as Address<Name>)}
                >
                    {t('clear_all')}
                </Button>
            )}
        </div>
    );
}
