// What people say about an alert, each its own thing: acknowledge, assign, silence, maintenance, close.
import {Button, Select, Tooltip} from '@mantine/core';
import {IconBellOff, IconCheck, IconCircleX, IconTool, IconUserCheck, IconX} from '@tabler/icons-react';
import {useQuery, useQueryClient} from '@tanstack/react-query';
import {lazy, Suspense, useState} from 'react';
import {api, ProblemError, unwrap} from '@/api/client';
import {useMay, useMe} from '@/app/session';
import {useShortcut} from '@/app/shortcuts';
import {useTexts} from '@/i18n';
import {ReasonDialog} from '@/parts/Reason';
import {done, refused} from '@/parts/toast';
import {ack, type Alert, alertsChanged, assign, type Changed, changedOf, isOpen, resolve, unack} from './alerts';
import css from './alerts.module.css';
import {ChangedNote} from './AlertSteps';
import {texts} from './texts';

const AddSilence = lazy(() => import('../silences/AddSilence'));
const AddMaintenance = lazy(() => import('../silences/AddMaintenance'));

function AssignDialog({alert, tried, onClose}: {alert: Alert; tried: <T>(run: (version: number) => Promise<T>) => Promise<T>; onClose: () => void}) {
    const t = useTexts(texts);
    const queries = useQueryClient();
    const [to, setTo] = useState(alert.assignee ?? '');
    const users = useQuery({queryKey: ['users'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/users', {signal}))});
    return (
        <ReasonDialog
            title={t('assign_title')} action={t('assign').replace('…', '')} optional onClose={onClose}
            run={(note) => tried(async (version) => alertsChanged(queries, await assign(alert, to, note, version)))}
            onDone={() => done(to ? t('assigned', {name: to}) : t('unassigned'))}
        >
            <p>{t('assign_more')}</p>
            <Select
                label={t('assign_to')} searchable clearable placeholder={t('assign_nobody')} value={to || null} onChange={(name) => setTo(name ?? '')}
                data={(users.data?.items ?? []).filter((u) => u.enabled && u.role !== 'viewer').map((u) => ({value: u.name, label: u.display_name ? `${u.display_name} (${u.name})` : u.name}))}
            />
        </ReasonDialog>
    );
}

export function Commands({alert}: {alert: Alert}) {
    const t = useTexts(texts);
    const me = useMe();
    const operates = useMay('operator'), supervises = useMay('supervisor');
    const limited = me.regions.length > 0 || me.tenants.length > 0;
    const queries = useQueryClient();
    const [asking, setAsking] = useState<'assign' | 'close' | 'silence' | 'maintenance' | undefined>();
    const [busy, setBusy] = useState(false);
    const [changed, setChanged] = useState<Changed | undefined>();
    /// A second try is for the alert as the refusal of the first showed it.
    const tried = async <T,>(run: (version: number) => Promise<T>): Promise<T> => {
        try {
            const got = await run(Math.max(alert.version, changed?.version ?? 0));
            setChanged(undefined);
            return got;
        } catch (error) {
            if (error instanceof ProblemError) setChanged(changedOf(error));
            throw error;
        }
    };
    const acknowledges = operates && isOpen(alert) && alert.state !== 'acked';
    const takesBack = operates && alert.state === 'acked';
    const toggle = async () => {
        setBusy(true);
        try {
            alertsChanged(queries, await tried((version) => (takesBack ? unack(alert, version) : ack(alert, version))));
            done(t(takesBack ? 'unacked' : 'acked'));
        } catch (error) {
            if (!(error instanceof ProblemError && changedOf(error))) refused(error);
            alertsChanged(queries);
        }
        setBusy(false);
    };
    useShortcut('alerts.ack', () => void toggle(), (acknowledges || takesBack) && !busy);
    const match = {workflow: alert.workflow, rule: alert.rule, ...(alert.group ? {group: alert.group} : {}), tenant: alert.tenant};
    const close = () => setAsking(undefined);
    if (!operates) return null;
    return (
        <>
            {changed && !asking && <ChangedNote state={changed.state} steps={changed.steps} />}
            <div className={css.commands}>
                {acknowledges && <Tooltip label={t('ack_more')}><Button variant="filled" leftSection={<IconCheck size={16} />} loading={busy} onClick={() => void toggle()}>{t('ack')}</Button></Tooltip>}
                {takesBack && <Tooltip label={t('unack_more')}><Button leftSection={<IconX size={16} />} loading={busy} onClick={() => void toggle()}>{t('unack')}</Button></Tooltip>}
                {supervises && isOpen(alert) && <Tooltip label={t('assign_more')}><Button leftSection={<IconUserCheck size={16} />} onClick={() => setAsking('assign')}>{t('assign')}</Button></Tooltip>}
                {supervises && !limited && <Tooltip label={t('silence_more')}><Button leftSection={<IconBellOff size={16} />} onClick={() => setAsking('silence')}>{t('silence')}</Button></Tooltip>}
                {supervises && !limited && <Tooltip label={t('window_more')}><Button leftSection={<IconTool size={16} />} onClick={() => setAsking('maintenance')}>{t('window')}</Button></Tooltip>}
                {isOpen(alert) && <Button variant="subtle" color="gray" leftSection={<IconCircleX size={16} />} onClick={() => setAsking('close')}>{t('close')}</Button>}
            </div>
            {asking === 'assign' && <AssignDialog alert={alert} tried={tried} onClose={close} />}
            {asking === 'close' && (
                <ReasonDialog
                    title={t('close_title')} action={t('close').replace('…', '')} danger onClose={close}
                    run={(note) => tried(async (version) => alertsChanged(queries, await resolve(alert, note, version)))}
                    onDone={() => done(t('closed'))}
                >
                    <p>{t('close_more', {count: alert.open})}</p>
                    {changed && <ChangedNote state={changed.state} steps={changed.steps} />}
                </ReasonDialog>
            )}
            <Suspense>
                {asking === 'silence' && <AddSilence match={match} onClose={close} />}
                {asking === 'maintenance' && <AddMaintenance match={match} onClose={close} />}
            </Suspense>
        </>
    );
}
