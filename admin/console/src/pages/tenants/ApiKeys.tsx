import {Button, Group, Modal, MultiSelect, Select, Stack, TextInput} from '@mantine/core';
import {IconDeviceTv, IconKey, IconPlus} from '@tabler/icons-react';
import {useQuery, useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {api, type Schemas, unwrap} from '@/api/client';
import {useLive} from '@/api/stream';
import {texts as shellTexts} from '@/app/texts';
import type {Role} from '@/app/session';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {Confirm} from '@/parts/Confirm';
import {Panel} from '@/parts/Page';
import {ShownOnce} from '@/parts/ShownOnce';
import {Empty, Loading, Refused, Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import css from './Tenants.module.css';
import {texts} from './texts';

type ApiKey = Schemas['ApiKey'];
/// Of programs on the appliance's own host; it is made anew from a file.
const localAdmin = 'local-admin';
const roles: Role[] = ['viewer', 'operator', 'supervisor', 'admin'];

/// `wall`: a viewer's, handed out as a link.
function KeyForm({wall, onDone, onClose}: {wall: boolean; onDone: (key: ApiKey) => void; onClose: () => void}) {
    const t = useTexts(texts);
    const shell = useTexts(shellTexts);
    const known = useLive((live) => live.status?.regions);
    const [name, setName] = useState(wall ? 'wallboard' : '');
    const [role, setRole] = useState<Role>('viewer');
    const [regions, setRegions] = useState<string[]>([]);
    const [error, setError] = useState<unknown>();
    const [busy, setBusy] = useState(false);
    const submit = async () => {
        setBusy(true);
        setError(undefined);
        try {
            onDone(await unwrap(api.POST('/api/v1/keys', {body: {name: name.trim(), role, ...(regions.length > 0 ? {regions} : {})}})));
            onClose();
        } catch (problem) {
            setError(problem);
            setBusy(false);
        }
    };
    return (
        <Modal opened onClose={onClose} title={wall ? t('wall_link') : t('add_key')}>
            <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
                <Stack gap="sm">
                    {wall && <p>{t('wall_more')}</p>}
                    <TextInput data-autofocus label={t('name')} required maxLength={64} value={name} onChange={(e) => setName(e.currentTarget.value)} />
                    {!wall && <Select label={t('role')} data={roles.map((r) => ({value: r, label: shell(`role_${r}`)}))} value={role} onChange={(v) => setRole((v ?? 'viewer') as Role)} allowDeselect={false} />}
                    <MultiSelect label={t('regions')} placeholder={regions.length === 0 ? t('all_regions') : ''} data={(known ?? []).map((r) => r.name ?? '')} value={regions} onChange={setRegions} />
                    <Refused error={error} />
                    <Group justify="flex-end" gap="xs">
                        <Button onClick={onClose}>{t('close')}</Button>
                        <Button type="submit" variant="filled" loading={busy} disabled={!name.trim()}>{t('create')}</Button>
                    </Group>
                </Stack>
            </form>
        </Modal>
    );
}

export function ApiKeys() {
    const t = useTexts(texts);
    const shell = useTexts(shellTexts);
    const queries = useQueryClient();
    const found = useQuery({queryKey: ['keys'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/keys', {signal}))});
    const [making, setMaking] = useState<'key' | 'wall'>();
    const [secret, setSecret] = useState<{title: string; text: string}>();
    const [ending, setEnding] = useState<{key: ApiKey; how: 'rotate' | 'revoke'}>();
    const refresh = () => queries.invalidateQueries({queryKey: ['keys']});
    const made = (wall: boolean) => (key: ApiKey) => {
        setSecret(wall ? {title: t('wall_title'), text: `${location.origin}/console/wall#key=${key.key}`} : {title: t('key_of', {name: key.name}), text: key.key ?? ''});
        void refresh();
    };
    const path = (key: ApiKey) => ({params: {path: {id: key.id}}});
    return (
        <Panel
            title={t('keys')}
            flush
            actions={
                <>
                    <Button leftSection={<IconDeviceTv size={15} />} onClick={() => setMaking('wall')}>{t('wall_link')}</Button>
                    <Button leftSection={<IconPlus size={15} />} onClick={() => setMaking('key')}>{t('add_key')}</Button>
                </>
            }
        >
            {found.isLoadingError ? <Trouble error={found.error} retry={() => void found.refetch()} />
            : !found.data ? <Loading rows={3} />
            : found.data.items.length === 0 ? <Empty title={t('no_keys')} icon={<IconKey size={28} stroke={1.4} />}>{t('no_keys_more')}</Empty>
            : (
                <ul className={css.list}>
                    {found.data.items.map((key) => (
                        <li key={key.id}>
                            <div className={css.who}><strong data-given>{key.name}</strong><span>{t('made', {by: key.by})} <Time at={key.set} /></span></div>
                            <Badge level="info">{shell(`role_${key.role}`)}</Badge>
                            <span className={css.limits} data-given>{key.regions.length > 0 ? key.regions.join(', ') : t('all_regions')}</span>
                            <span />
                            {key.id === localAdmin ? <span /> : (
                                <Group gap={6}>
                                    <Button size="compact-sm" onClick={() => setEnding({key, how: 'rotate'})}>{t('rotate')}</Button>
                                    <Button size="compact-sm" color="red" variant="light" onClick={() => setEnding({key, how: 'revoke'})}>{t('revoke')}</Button>
                                </Group>
                            )}
                        </li>
                    ))}
                </ul>
            )}
            {making && <KeyForm wall={making === 'wall'} onDone={made(making === 'wall')} onClose={() => setMaking(undefined)} />}
            {secret && <ShownOnce title={secret.title} secret={secret.text} onClose={() => setSecret(undefined)} />}
            {ending && (
                <Confirm
                    title={t(ending.how === 'rotate' ? 'rotate_title' : 'revoke_program', {name: ending.key.name})}
                    action={t(ending.how)}
                    run={async () => {
                        if (ending.how === 'rotate') made(false)(await unwrap(api.POST('/api/v1/keys/{id}/rotate', path(ending.key))));
                        else await unwrap(api.DELETE('/api/v1/keys/{id}', path(ending.key)));
                        await refresh();
                    }}
                    onClose={() => setEnding(undefined)}
                >
                    <p>{t('rotate_more')}</p>
                </Confirm>
            )}
        </Panel>
    );
}
