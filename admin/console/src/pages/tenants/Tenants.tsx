import {Button, Group, Modal, NumberInput, Select, Stack, TextInput} from '@mantine/core';
import {IconPlus} from '@tabler/icons-react';
import {useQuery, useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {api, type Schemas, unwrap} from '@/api/client';
import {useLive} from '@/api/stream';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {Confirm} from '@/parts/Confirm';
import {count} from '@/parts/format';
import {Panel} from '@/parts/Page';
import {ShownOnce} from '@/parts/ShownOnce';
import {Loading, Refused, Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import {done, refused} from '@/parts/toast';
import css from './Tenants.module.css';
import {texts} from './texts';

type Tenant = Schemas['Tenant'];

/// `tenant` undefined: a new one.
function TenantForm({tenant, onDone, onClose}: {tenant: Tenant | undefined; onDone: (tenant: Tenant) => void; onClose: () => void}) {
    const t = useTexts(texts);
    const regions = useLive((live) => live.status?.regions);
    const [name, setName] = useState('');
    const [region, setRegion] = useState(tenant?.region ?? '');
    const [rate, setRate] = useState(tenant?.rate_limit ?? 0);
    const [burst, setBurst] = useState(tenant?.burst ?? 0);
    const [error, setError] = useState<unknown>();
    const [busy, setBusy] = useState(false);
    const submit = async () => {
        setBusy(true);
        setError(undefined);
        const limits = {region, rate_limit: rate, burst};
        try {
            onDone(tenant
                ? await unwrap(api.PATCH('/api/v1/tenants/{id}', {params: {path: {id: tenant.name}}, body: limits}))
                : await unwrap(api.POST('/api/v1/tenants', {body: {name: name.trim(), ...limits}})));
            onClose();
        } catch (problem) {
            setError(problem);
            setBusy(false);
        }
    };
    return (
        <Modal opened onClose={onClose} title={tenant ? t('edit_title', {name: tenant.name}) : t('add_tenant')}>
            <form onSubmit={(event) => { event.preventDefault(); void submit(); }}>
                <Stack gap="sm">
                    {!tenant && <TextInput data-autofocus label={t('name')} required pattern="[a-z0-9][a-z0-9_\-]{0,63}" value={name} onChange={(e) => setName(e.currentTarget.value)} />}
                    <Select label={t('region')} data={[{value: '', label: t('region_default')}, ...(regions ?? []).map((r) => ({value: r.name ?? '', label: r.name ?? ''}))]} value={region} onChange={(v) => setRegion(v ?? '')} />
                    <NumberInput label={t('rate')} description={t('rate_hint')} min={0} max={1_000_000_000} value={rate} onChange={(v) => setRate(Number(v))} />
                    <NumberInput label={t('burst')} description={t('burst_hint')} min={0} max={1_000_000_000} value={burst} onChange={(v) => setBurst(Number(v))} />
                    <Refused error={error} />
                    <Group justify="flex-end" gap="xs">
                        <Button onClick={onClose}>{t('close')}</Button>
                        <Button type="submit" variant="filled" loading={busy}>{tenant ? t('save') : t('create')}</Button>
                    </Group>
                </Stack>
            </form>
        </Modal>
    );
}

export function Tenants() {
    const t = useTexts(texts);
    const queries = useQueryClient();
    const found = useQuery({queryKey: ['tenants'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/tenants', {signal}))});
    const [editing, setEditing] = useState<Tenant | 'new'>();
    const [secret, setSecret] = useState<{name: string; key: string}>();
    const [revoking, setRevoking] = useState<{tenant: Tenant; id: number}>();
    const changed = (tenant: Tenant) => {
        if (tenant.key) setSecret({name: tenant.name, key: tenant.key});
        else done(t('saved'));
        void queries.invalidateQueries({queryKey: ['tenants']});
    };
    const act = async (asked: Promise<Tenant>) => {
        try {
            changed(await asked);
        } catch (problem) {
            refused(problem);
        }
    };
    const at = (tenant: Tenant) => ({params: {path: {id: tenant.name}}});
    return (
        <Panel title={t('tenants')} flush actions={<Button leftSection={<IconPlus size={15} />} onClick={() => setEditing('new')}>{t('add_tenant')}</Button>}>
            {found.isLoadingError ? <Trouble error={found.error} retry={() => void found.refetch()} /> : !found.data ? <Loading rows={3} /> : (
                <ul className={css.list}>
                    {found.data.items.map((tenant) => (
                        <li key={tenant.id}>
                            <div className={css.who}>
                                <strong data-given>{tenant.name}</strong>
                                <span>{tenant.origin === 'configuration' ? t('from_file') : <>{t('made', {by: tenant.made_by ?? '–'})} <Time at={tenant.made} /></>}</span>
                            </div>
                            <Badge level={tenant.enabled ? 'ok' : 'none'}>{tenant.enabled ? t('enabled') : t('disabled')}</Badge>
                            <span className={css.limits}>{tenant.rate_limit ? t('per_second', {value: count(tenant.rate_limit)}) : t('unlimited')}</span>
                            <ul className={css.keys} aria-label={t('tenant_keys')}>
                                {tenant.keys.map((key) => (
                                    <li key={key.id}>
                                        <code>{key.id}</code>
                                        {tenant.origin === 'api' && <Button size="compact-xs" variant="subtle" color="red" onClick={() => setRevoking({tenant, id: key.id!})}>{t('revoke')}</Button>}
                                    </li>
                                ))}
                            </ul>
                            {tenant.origin === 'api' ? (
                                <Group gap={6}>
                                    <Button size="compact-sm" onClick={() => void act(unwrap(api.POST('/api/v1/tenants/{id}/keys', {...at(tenant), body: {}})))}>{t('new_key')}</Button>
                                    <Button size="compact-sm" onClick={() => setEditing(tenant)}>{t('edit')}</Button>
                                    <Button size="compact-sm" onClick={() => void act(unwrap(api.PATCH('/api/v1/tenants/{id}', {...at(tenant), body: {enabled: !tenant.enabled}})))}>
                                        {tenant.enabled ? t('disable') : t('enable')}
                                    </Button>
                                </Group>
                            ) : <span />}
                        </li>
                    ))}
                </ul>
            )}
            {editing && <TenantForm tenant={editing === 'new' ? undefined : editing} onDone={changed} onClose={() => setEditing(undefined)} />}
            {secret && <ShownOnce title={t('key_of', {name: secret.name})} secret={secret.key} onClose={() => setSecret(undefined)} />}
            {revoking && (
                <Confirm
                    title={t('revoke_title', {id: revoking.id, tenant: revoking.tenant.name})}
                    action={t('revoke')}
                    run={async () => changed(await unwrap(api.DELETE('/api/v1/tenants/{id}/keys/{key}', {params: {path: {id: revoking.tenant.name, key: revoking.id}}})))}
                    onClose={() => setRevoking(undefined)}
                >
                    <p>{t('revoke_more')}</p>
                </Confirm>
            )}
        </Panel>
    );
}
