// Views that one has saved: an address with a name.
import {ActionIcon, Button, Group, Menu, TextInput} from '@mantine/core';
import {IconBookmark, IconTrash} from '@tabler/icons-react';
import {useState} from 'react';
import {useLocation} from 'wouter';
import {setPreference, usePreferences} from '@/app/preferences';
import {useTexts} from '@/i18n';
import {done} from '@/parts/toast';
import css from './Search.module.css';
import {texts} from './texts';

export function Views({address}: {address: string}) {
    const t = useTexts(texts);
    const [, go] = useLocation();
    const views = usePreferences((p) => p.views);
    const [name, setName] = useState('');
    const save = () => {
        const wanted = name.trim();
        setPreference('views', [...views.filter((v) => v.name !== wanted), {name: wanted, address}].sort((a, b) => a.name.localeCompare(b.name)));
        setName('');
        done(t('view_saved', {name: wanted}));
    };
    return (
        <Menu position="bottom-end" width={290} closeOnItemClick={false} trapFocus={false}>
            <Menu.Target><Button leftSection={<IconBookmark size={15} />}>{t('views')}</Button></Menu.Target>
            <Menu.Dropdown>
                <Menu.Label>{t('views_mine')}</Menu.Label>
                {views.length === 0 && <p className={css.hint}>{t('views_none')}</p>}
                {views.map((view) => (
                    <Group key={view.name} gap={4} wrap="nowrap" pr={6}>
                        <Menu.Item closeMenuOnClick onClick={() => go(view.address)}><span data-given>{view.name}</span></Menu.Item>
                        <ActionIcon size="sm" aria-label={t('remove_view', {name: view.name})} onClick={() => setPreference('views', views.filter((v) => v.name !== view.name))}>
                            <IconTrash size={14} />
                        </ActionIcon>
                    </Group>
                ))}
                <Menu.Divider />
                <form className={css.save} onSubmit={(event) => { event.preventDefault(); if (name.trim()) save(); }}>
                    <TextInput aria-label={t('view_name')} placeholder={t('save_view')} maxLength={60} value={name} onChange={(e) => setName(e.currentTarget.value)} />
                    <Button type="submit" disabled={!name.trim()}>{t('save')}</Button>
                </form>
            </Menu.Dropdown>
        </Menu>
    );
}
