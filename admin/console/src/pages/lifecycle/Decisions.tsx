// What people decided of a run's events.
import {useQuery} from '@tanstack/react-query';
import {Link} from 'wouter';
import {api, unwrap} from '@/api/client';
import {useTexts} from '@/i18n';
import {StateBadge} from '../review/Queue';
import {Steps} from '../review/Steps';
import css from './Lifecycle.module.css';
import {texts} from './texts';

const itemsMax = 10, eventsMax = 200;

export function Decisions({events}: {events: readonly number[]}) {
    const t = useTexts(texts);
    const asked = events.slice(-eventsMax).join(',');
    const items = useQuery({
        queryKey: ['review', 'of events', asked],
        enabled: asked !== '',
        refetchInterval: 5_000,
        queryFn: async ({signal}) => {
            const found = await unwrap(api.GET('/api/v1/review/items', {signal, params: {query: {events: asked, state: 'all', limit: itemsMax}}}));
            return Promise.all(found.items.map((item) => unwrap(api.GET('/api/v1/review/items/{id}', {signal, params: {path: {id: item.id}}}))));
        },
    });
    if (!items.data || items.data.length === 0) return null;
    return (
        <>
            <h3>{t('decisions')}</h3>
            {items.data.map((item) => (
                <section key={item.id} className={css.decision}>
                    <p><Link href={`/console/review/${item.id}`}>{t('item', {id: item.id})}</Link> <span data-given>{item.queue}</span> <StateBadge item={item} quiet /></p>
                    <Steps steps={item.history ?? []} />
                </section>
            ))}
        </>
    );
}
