// What one item went through: hop by hop, to scale.
import {Button, TextInput} from '@mantine/core';
import {IconRoute, IconSearch} from '@tabler/icons-react';
import {useQuery} from '@tanstack/react-query';
import {useEffect, useState} from 'react';
import {Link} from 'wouter';
import {api, ProblemError, unwrap} from '@/api/client';
import {useAddress} from '@/app/address';
import {useTexts} from '@/i18n';
import {quoted} from '@/parts/event/EventDetail';
import {Page} from '@/parts/Page';
import {Empty, Loading, Trouble} from '@/parts/States';
import css from './Lifecycle.module.css';
import {Run} from './Run';
import {texts} from './texts';

const names = ['key', 'tenant', 'workflow'] as const;

export default function Lifecycle() {
    const t = useTexts(texts);
    const [address, setAddress] = useAddress(names);
    const {key, tenant, workflow} = address;
    const [typed, setTyped] = useState(key ?? '');
    useEffect(() => setTyped(key ?? ''), [key]);
    const found = useQuery({
        queryKey: ['lifecycle', key, tenant, workflow],
        enabled: !!key,
        refetchInterval: 5_000,
        queryFn: ({signal}) =>
            unwrap(api.GET('/api/v1/lifecycle', {params: {query: {key: key!, ...(tenant ? {tenant} : {}), ...(workflow ? {workflow} : {})}}, signal})),
    });
    const searchAddress = `/console/search?q=${encodeURIComponent(`key:${quoted(key ?? '')}`)}`;
    const notKnown = (found.error instanceof ProblemError && found.error.status === 404) || found.data?.items.length === 0;
    return (
        <Page
            title={key ? t('title_of', {key}) : t('title')}
            actions={key && <Button component={Link} href={searchAddress} leftSection={<IconSearch size={15} />}>{t('all_events')}</Button>}
        >
            <form className={css.find} role="search" onSubmit={(event) => { event.preventDefault(); setAddress({key: typed.trim()}); }}>
                <TextInput size="sm" aria-label={t('find')} placeholder={t('find')} leftSection={<IconRoute size={16} />} value={typed} onChange={(e) => setTyped(e.currentTarget.value)} autoFocus={!key} />
                <Button type="submit" size="sm" variant="filled" disabled={!typed.trim()}>{t('show')}</Button>
            </form>
            {!key ? <Empty title={t('ask')} icon={<IconRoute size={28} stroke={1.4} />}>{t('ask_more')}</Empty>
            : notKnown ? (
                <Empty title={t('unknown', {key})} icon={<IconRoute size={28} stroke={1.4} />} action={<Button component={Link} href={searchAddress}>{t('search')}</Button>}>
                    {t('unknown_more')}
                </Empty>
            )
            : found.isLoadingError ? <Trouble error={found.error} retry={() => void found.refetch()} />
            : !found.data ? <Loading />
            : found.data.items.map((run) => <Run key={`${run.workflow} ${run.version}`} run={run} />)}
        </Page>
    );
}
