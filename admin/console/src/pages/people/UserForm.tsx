import {Button, Group, Modal, MultiSelect, PasswordInput, Select, Stack, Switch, TextInput} from '@mantine/core';
import {useState} from 'react';
import {api, unwrap} from '@/api/client';
import {useLive} from '@/api/stream';
import type {Role} from '@/app/session';
import {texts as shellTexts} from '@/app/texts';
import {useTexts} from '@/i18n';
import {Refused} from '@/parts/States';
import {texts} from './texts';
import type {User} from './Users';

const roles: Role[] = ['viewer', 'operator', 'supervisor', 'admin'];
const list = (text: string) => text.split(',').map((part) => part.trim()).filter(Boolean);

/// `user` undefined: a new one.
export function UserForm({user, onDone, onClose}: {user: User | undefined; onDone: (user: User) => void; onClose: () => void}) {
    const t = useTexts(texts);
    const shell = useTexts(shellTexts);
    const known = useLive((live) => live.status?.regions);
    const [name, setName] = useState('');
    const [shown, setShown] = useState(user?.display_name ?? '');
    const [role, setRole] = useState<Role>(user?.role ?? 'operator');
    const [regions, setRegions] = useState<string[]>(user?.regions ?? []);
    const [tenants, setTenants] = useState((user?.tenants ?? []).join(', '));
    const [skills, setSkills] = useState((user?.skills ?? []).join(', '));
    const [email, setEmail] = useState(user?.email ?? '');
    const [password, setPassword] = useState('');
    const [token, setToken] = useState(false);
    const [error, setError] = useState<unknown>();
    const [busy, setBusy] = useState(false);
    const submit = async () => {
        setBusy(true);
        setError(undefined);
        const given = {
            display_name: shown, role, regions, tenants: list(tenants), skills: list(skills), email,
            ...(password ? {password} : {}), ...(token ? {token: true} : {}),
        };
        try {
            onDone(user
                ? await unwrap(api.PATCH('/api/v1/users/{user}', {params: {path: {user: user.name}}, body: {...given, version: user.version}}))
                : await unwrap(api.POST('/api/v1/users', {body: {name: name.trim(), ...given}})));
            onClose();
        } catch (problem) {
            setError(problem);
            setBusy(false);
        }
    };
    return (
        <Modal opened onClose={onClose} title={user ? t('edit_title', {name: user.name}) : t('add')}>
            <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
                <Stack gap="sm">
                    {!user && <TextInput data-autofocus label={t('name')} description={t('name_hint')} required maxLength={64} value={name} onChange={(e) => setName(e.currentTarget.value)} />}
                    <TextInput label={t('display_name')} maxLength={256} value={shown} onChange={(e) => setShown(e.currentTarget.value)} />
                    <Select label={t('role')} data={roles.map((r) => ({value: r, label: shell(`role_${r}`)}))} value={role} onChange={(v) => setRole((v ?? 'viewer') as Role)} allowDeselect={false} />
                    <MultiSelect label={t('regions')} placeholder={regions.length === 0 ? t('all') : ''} data={(known ?? []).map((r) => r.name ?? '')} value={regions} onChange={setRegions} />
                    <TextInput label={t('tenants')} placeholder={t('all')} value={tenants} onChange={(e) => setTenants(e.currentTarget.value)} />
                    <TextInput label={t('skills')} description={t('skills_hint')} value={skills} onChange={(e) => setSkills(e.currentTarget.value)} />
                    <TextInput label={t('email')} type="email" maxLength={256} value={email} onChange={(e) => setEmail(e.currentTarget.value)} />
                    <PasswordInput label={t('password')} description={t('password_hint')} minLength={8} autoComplete="new-password" visibilityToggleButtonProps={{'aria-label': shell('show_secret')}} value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
                    <Switch label={t('give_token')} checked={token} onChange={(e) => setToken(e.currentTarget.checked)} />
                    <Refused error={error} />
                    <Group justify="flex-end" gap="xs">
                        <Button onClick={onClose}>{t('cancel')}</Button>
                        <Button type="submit" variant="filled" loading={busy}>{user ? t('save') : t('create')}</Button>
                    </Group>
                </Stack>
            </form>
        </Modal>
    );
}
