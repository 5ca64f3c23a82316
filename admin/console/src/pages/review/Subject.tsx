// What an item is about: its event with its data, or the alert.
import {useQuery} from '@tanstack/react-query';
import {Link} from 'wouter';
import {api, ProblemError, type Schemas, unwrap} from '@/api/client';
import {useTexts} from '@/i18n';
import {Severity} from '@/parts/Badge';
import {count} from '@/parts/format';
import {Facts, Panel} from '@/parts/Page';
import {Empty, Loading, Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import {AlertBadge} from '../alerts/AlertBadge';
import type {Item} from './items';
import css from './review.module.css';
import {texts} from './texts';

type Event = NonNullable<Schemas['StoredEvent']['event']>;
const pairs = (given: Record<string, string> | undefined): string => Object.entries(given ?? {}).map(([name, value]) => `${name} = ${value}`).join(', ');

function EventFacts({event, received}: {event: Event; received: string}) {
    const t = useTexts(texts);
    const facts: [string, React.ReactNode][] = [
        [t('type'), <span data-given>{event.type}</span>],
        [t('happened'), <Time at={event.time} />],
        [t('received'), <Time at={received} />],
        [t('source'), <span data-given>{event.source}</span>],
    ];
    if (event.subject) facts.push([t('subject'), <span data-given>{event.subject}</span>]);
    if (event.severity) facts.push([t('severity'), <Severity value={event.severity} />]);
    if (pairs(event.keys)) facts.push([t('keys'), <code>{pairs(event.keys)}</code>]);
    if (pairs(event.groups)) facts.push([t('groups'), <code>{pairs(event.groups)}</code>]);
    return (
        <>
            <Facts items={facts} />
            {event.data !== undefined && (
                <pre className={css.data} tabIndex={0} aria-label={t('data')}>{typeof event.data === 'string' ? event.data : JSON.stringify(event.data, null, 2)}</pre>
            )}
        </>
    );
}

function EventOf({item}: {item: Item}) {
    const t = useTexts(texts);
    const event = useQuery({
        queryKey: ['event', item.event_seq],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/events/{seq}', {signal, params: {path: {seq: item.event_seq}}})),
        staleTime: Infinity,
    });
    const gone = event.error instanceof ProblemError && event.error.status === 404;
    return (
        <Panel title={t('event')} actions={item.subject && <Link href={`/console/lifecycle?key=${encodeURIComponent(item.subject)}`}>{t('lifecycle')}</Link>}>
            {event.isPending ? <Loading rows={5} />
            : gone ? <Empty title={t('event_gone')}>{t('event_gone_more')}</Empty>
            : event.isError ? <Trouble error={event.error} retry={() => void event.refetch()} />
            : event.data.event ? <EventFacts event={event.data.event as Event} received={event.data.received} />
            : <p>{t('withheld')}</p>}
        </Panel>
    );
}

function AlertOf({id}: {id: string}) {
    const t = useTexts(texts);
    const alert = useQuery({
        queryKey: ['alerts', id],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/alerts/{id}', {signal, params: {path: {id}}})),
    });
    return (
        <Panel title={t('alert')} actions={<Link href={`/console/alerts/${id}`}>{t('open_alert')}</Link>}>
            {alert.isPending ? <Loading rows={4} />
            : alert.isError ? <Trouble error={alert.error} retry={() => void alert.refetch()} />
            : (
                <Facts
                    items={[
                        [t('what'), <span data-given>{`${alert.data.workflow} · ${alert.data.rule}`}</span>],
                        [t('severity'), <Severity value={alert.data.severity} />],
                        [t('state'), <AlertBadge state={alert.data.state} quiet />],
                        [t('open_now'), count(alert.data.open)],
                        [t('happened'), <Time at={alert.data.began} />],
                    ]}
                />
            )}
        </Panel>
    );
}

export function Subject({item}: {item: Item}) {
    return item.alert ? <AlertOf id={item.alert} /> : <EventOf item={item} />;
}
