// Views that one has saved, or that somebody shares with the team: an address with a name.
import {ActionIcon, Button, Group, Menu, Switch, TextInput} from '@mantine/core';
import {IconBookmark, IconTrash} from '@tabler/icons-react';
import {useQuery, useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {useLocation} from 'wouter';
import {api, unwrap} from '@/api/client';
import {type SavedView, setPreference, usePreferences} from '@/app/preferences';
import {useMay} from '@/app/session';
import {useTexts} from '@/i18n';
import {done, refused} from '@/parts/toast';
import css from './Search.module.css';
import {texts} from './texts';

function List({views, onRemove}: {views: readonly (SavedView & {by?: string})[]; onRemove: ((name: string) => void) | undefined}) {
    const t = useTexts(texts);
    const [, go] = useLocation();
    return views.map((view) => (
        <Group key={view.name} gap={4} wrap="nowrap" pr={6}>
            <Menu.Item closeMenuOnClick onClick={() => go(view.address)} {...(view.by ? {title: t('view_by', {by: view.by})} : {})}><span data-given>{view.name}</span></Menu.Item>
            {onRemove && <ActionIcon size="sm" aria-label={t('remove_view', {name: view.name})} onClick={() => onRemove(view.name)}><IconTrash size={14} /></ActionIcon>}
        </Group>
    ));
}

export function Views({address}: {address: string}) {
    const t = useTexts(texts);
    const mayShare = useMay('operator');
    const queries = useQueryClient();
    const mine = usePreferences((p) => p.views);
    const team = useQuery({queryKey: ['views'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/views', {signal}))});
    const [name, setName] = useState('');
    const [shared, setShared] = useState(false);
    const changeTeam = async (change: Promise<unknown>): Promise<boolean> => {
        try {
            await change;
            await queries.invalidateQueries({queryKey: ['views']});
            return true;
        } catch (problem) {
            refused(problem);
            return false;
        }
    };
    const save = async () => {
        const wanted = name.trim();
        if (!shared) setPreference('views', [...mine.filter((v) => v.name !== wanted), {name: wanted, address}].sort((a, b) => a.name.localeCompare(b.name)));
        else if (!(await changeTeam(unwrap(api.PUT('/api/v1/views/{name}', {params: {path: {name: wanted}}, body: {address}}))))) return;
        setName('');
        done(t('view_saved', {name: wanted}));
    };
    const ofTeam = team.data?.items ?? [];
    return (
        <Menu position="bottom-end" width={290} closeOnItemClick={false} trapFocus={false}>
            <Menu.Target><Button leftSection={<IconBookmark size={15} />}>{t('views')}</Button></Menu.Target>
            <Menu.Dropdown>
                {mine.length + ofTeam.length === 0 && <p className={css.hint}>{t('views_none')}</p>}
                {mine.length > 0 && <Menu.Label>{t('views_mine')}</Menu.Label>}
                <List views={mine} onRemove={(gone) => setPreference('views', mine.filter((v) => v.name !== gone))} />
                {ofTeam.length > 0 && <Menu.Label>{t('views_team')}</Menu.Label>}
                <List views={ofTeam} onRemove={mayShare ? (gone) => void changeTeam(unwrap(api.DELETE('/api/v1/views/{name}', {params: {path: {name: gone}}}))) : undefined} />
                <Menu.Divider />
                <form className={css.save} onSubmit={(event) => { event.preventDefault(); if (name.trim()) void save(); }}>
                    <TextInput aria-label={t('view_name')} placeholder={t('save_view')} maxLength={60} value={name} onChange={(e) => setName(e.currentTarget.value)} />
                    <Button type="submit" disabled={!name.trim()}>{t('save')}</Button>
                    {mayShare && <Switch size="xs" label={t('share')} checked={shared} onChange={(e) => setShared(e.currentTarget.checked)} />}
                </form>
            </Menu.Dropdown>
        </Menu>
    );
}
