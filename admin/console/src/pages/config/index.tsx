import {Switch} from '@mantine/core';
import {IconSettings} from '@tabler/icons-react';
import {useQuery} from '@tanstack/react-query';
import {useMemo} from 'react';
import {api, type Schemas, unwrap} from '@/api/client';
import {useAddress} from '@/app/address';
import {useTexts} from '@/i18n';
import {type Column, DataTable} from '@/parts/DataTable';
import {FilterBar} from '@/parts/FilterBar';
import {Page} from '@/parts/Page';
import {Empty, Trouble} from '@/parts/States';
import css from './Config.module.css';
import {texts} from './texts';

type Setting = Schemas['Setting'];
const names = ['q', 'changed'] as const;

export default function ConfigPage() {
    const t = useTexts(texts);
    const [address, setAddress] = useAddress(names);
    const found = useQuery({queryKey: ['config'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/config', {signal})), staleTime: Infinity});
    const rows = useMemo(() => {
        const wanted = (address.q ?? '').toLowerCase();
        return (found.data?.items ?? []).filter(
            (s) => (!address.changed || s.origin !== 'default') && (!wanted || s.key.toLowerCase().includes(wanted) || s.value.toLowerCase().includes(wanted)),
        );
    }, [found.data, address]);
    const columns: Column<Setting>[] = [
        {id: 'key', header: t('key'), width: 'minmax(10rem, 1fr)', cell: (s) => <code>{s.key}</code>},
        {id: 'value', header: t('value'), width: 'minmax(8rem, 1.6fr)', cell: (s) => <code title={s.value} data-changed={s.origin !== 'default' || undefined} className={css.value}>{s.value || '""'}</code>},
        {id: 'origin', header: t('origin'), width: 'minmax(6rem, 1fr)', wide: true, cell: (s) => <span className={css.origin}>{s.origin === 'default' ? t('default') : s.origin}</span>},
    ];
    return (
        <Page title={t('title')} note={t('note')} fill>
            <FilterBar filters={[{name: 'q', label: t('find'), kind: 'text', wide: true}]} address={address} onChange={setAddress}>
                <Switch label={t('changed')} checked={!!address.changed} onChange={(e) => setAddress({changed: e.currentTarget.checked ? '1' : ''})} />
            </FilterBar>
            <div className={css.frame}>
                {found.isLoadingError ? <Trouble error={found.error} retry={() => void found.refetch()} /> : (
                    <DataTable rows={rows} columns={columns} rowKey={(s) => s.key} label={t('title')} loading={found.isPending} empty={<Empty title={t('none')} icon={<IconSettings size={28} stroke={1.4} />} />} />
                )}
            </div>
        </Page>
    );
}
