import {Button} from '@mantine/core';
import {IconPlus} from '@tabler/icons-react';
import {useQuery, useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {api, type Schemas, unwrap} from '@/api/client';
import {useMay} from '@/app/session';
import {texts as shellTexts} from '@/app/texts';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {Confirm} from '@/parts/Confirm';
import {type Column, DataTable} from '@/parts/DataTable';
import {Panel} from '@/parts/Page';
import {ShownOnce} from '@/parts/ShownOnce';
import {Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import {done, refused} from '@/parts/toast';
import {texts} from './texts';
import {UserForm} from './UserForm';
import css from './People.module.css';

export type User = Schemas['User'];

export function Users() {
    const t = useTexts(texts);
    const shell = useTexts(shellTexts);
    const may = useMay('admin');
    const queries = useQueryClient();
    const found = useQuery({queryKey: ['users'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/users', {signal})), refetchInterval: 10_000});
    const [editing, setEditing] = useState<User | 'new'>();
    const [removing, setRemoving] = useState<User>();
    const [link, setLink] = useState<{name: string; address: string}>();
    const changed = (user: User) => {
        if (user.token) setLink({name: user.name, address: `${location.origin}/${user.token}`});
        else done(t('saved'));
        void queries.invalidateQueries({queryKey: ['users']});
    };
    const toggle = async (user: User) => {
        try {
            changed(await unwrap(api.PATCH('/api/v1/users/{user}', {params: {path: {user: user.name}}, body: {enabled: !user.enabled, version: user.version}})));
        } catch (problem) {
            refused(problem);
        }
    };
    const columns: Column<User>[] = [
        {id: 'name', header: t('name'), width: 'minmax(9rem, 1.2fr)', cell: (u) => <><strong>{u.display_name || u.name}</strong> {u.display_name && u.display_name !== u.name && <span className={css.dim}>{u.name}</span>}</>},
        {id: 'state', header: t('state'), width: '6.5rem', cell: (u) => <Badge level={!u.enabled ? 'bad' : u.active ? 'ok' : 'none'} quiet>{!u.enabled ? t('disabled') : u.active ? t('here') : t('away')}</Badge>},
        {id: 'role', header: t('role'), width: '7rem', cell: (u) => shell(`role_${u.role}`)},
        {id: 'regions', header: t('regions'), width: 'minmax(5rem, 0.8fr)', wide: true, cell: (u) => (u.regions.length > 0 ? u.regions.join(', ') : t('all'))},
        {id: 'skills', header: t('skills'), width: 'minmax(5rem, 0.8fr)', wide: true, cell: (u) => u.skills.join(', ') || '–'},
        {id: 'sessions', header: t('sessions'), width: '6.5rem', wide: true, cell: (u) => (u.sessions > 0 ? t('sessions_count', {count: u.sessions}) : '–')},
        {id: 'seen', header: t('last_seen'), width: '8.5rem', wide: true, cell: (u) => (u.last_seen ? <Time at={u.last_seen} /> : t('never'))},
        ...(may ? [{
            id: 'do', header: '', width: '14.5rem', wide: true, align: 'right' as const,
            cell: (u: User) => u.of_configuration ? <span className={css.dim}>{t('from_file')}</span> : (
                <>
                    <Button size="compact-xs" variant="subtle" onClick={() => setEditing(u)}>{t('edit')}</Button>
                    <Button size="compact-xs" variant="subtle" onClick={() => void toggle(u)}>{u.enabled ? t('disable') : t('enable')}</Button>
                    <Button size="compact-xs" variant="subtle" color="red" onClick={() => setRemoving(u)}>{t('remove')}</Button>
                </>
            ),
        }] : []),
    ];
    return (
        <Panel title={t('users')} flush actions={may && <Button leftSection={<IconPlus size={15} />} onClick={() => setEditing('new')}>{t('add')}</Button>}>
            {found.isLoadingError ? <Trouble error={found.error} retry={() => void found.refetch()} /> : (
                <DataTable rows={found.data?.items ?? []} columns={columns} rowKey={(u) => u.user} label={t('users')} loading={found.isPending} height="26rem" />
            )}
            {editing && <UserForm user={editing === 'new' ? undefined : editing} onDone={changed} onClose={() => setEditing(undefined)} />}
            {link && <ShownOnce title={t('token_title', {name: link.name})} secret={link.address} onClose={() => setLink(undefined)} />}
            {removing && (
                <Confirm
                    title={t('remove_title', {name: removing.name})}
                    action={t('remove')}
                    run={async () => {
                        await unwrap(api.DELETE('/api/v1/users/{user}', {params: {path: {user: removing.name}}}));
                        await queries.invalidateQueries({queryKey: ['users']});
                    }}
                    onClose={() => setRemoving(undefined)}
                >
                    <p>{t('remove_more')}</p>
                </Confirm>
            )}
        </Panel>
    );
}
