import {Button} from '@mantine/core';
import {useQuery, useQueryClient} from '@tanstack/react-query';
import {api, unwrap} from '@/api/client';
import {useMay} from '@/app/session';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {type Column, DataTable} from '@/parts/DataTable';
import {Panel} from '@/parts/Page';
import {Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import {done, refused} from '@/parts/toast';
import type {Schemas} from '@/api/client';
import {texts} from './texts';

type Session = Schemas['Session'];

export function Sessions() {
    const t = useTexts(texts);
    const all = useMay('admin');
    const queries = useQueryClient();
    const found = useQuery({queryKey: ['sessions'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/sessions', {signal})), refetchInterval: 10_000});
    const end = async (session: Session) => {
        try {
            await unwrap(api.DELETE('/api/v1/sessions/{id}', {params: {path: {id: session.id}}}));
            done(t('ended'));
            await queries.invalidateQueries({queryKey: ['sessions']});
        } catch (problem) {
            refused(problem);
        }
    };
    const columns: Column<Session>[] = [
        {id: 'user', header: t('name'), width: 'minmax(7rem, 1fr)', cell: (s) => <strong>{s.user}</strong>},
        {id: 'opened', header: t('opened'), width: '9rem', wide: true, cell: (s) => <Time at={s.opened} />},
        {id: 'seen', header: t('last_seen'), width: '9rem', cell: (s) => <Time at={s.seen} />},
        {id: 'ends', header: t('ends'), width: '9rem', wide: true, cell: (s) => <Time at={s.ends} />},
        {id: 'from', header: t('from'), width: 'minmax(8rem, 1fr)', wide: true, cell: (s) => <span className="mono">{s.peer}</span>},
        {id: 'how', header: t('by'), width: '7rem', wide: true, cell: (s) => t(`how_${s.how}`)},
        {id: 'end', header: '', width: '7rem', align: 'right', cell: (s) => (s.own ? <Badge level="ok" quiet>{t('own')}</Badge> : <Button size="compact-xs" onClick={() => void end(s)}>{t('end')}</Button>)},
    ];
    return (
        <Panel title={all ? t('sessions') : t('sessions_own')} flush>
            {found.isLoadingError ? <Trouble error={found.error} retry={() => void found.refetch()} /> : (
                <DataTable rows={found.data?.items ?? []} columns={columns} rowKey={(s) => s.id} label={t('sessions')} loading={found.isPending} height="20rem" />
            )}
        </Panel>
    );
}
