// Turns what the stream tells into notices: a region that fails or comes back, alerts that fire, a stopped intake.
import {useLive, whenAssigned, type Assigned, type Status} from '@/api/stream';
import {text} from '@/i18n';
import {span} from '@/parts/format';
import {notice} from './notices';
import {texts} from './texts';

export function noteChanges(before: Status, now: Status): void {
    for (const region of now.regions) {
        const was = before.regions.find((r) => r.name === region.name);
        if (!region.name || !was || was.breaker === region.breaker) continue;
        const values = {region: region.name};
        if (region.breaker === 'open' && was.breaker === 'closed')
            notice('bad', text(texts, 'region_down', values), {...(region.error ? {detail: region.error} : {}), to: '/console/regions'});
        if (region.breaker === 'closed') notice('ok', text(texts, 'region_up', values), {to: '/console/regions'});
    }
    const more = (now.alerts?.firing ?? 0) - (before.alerts?.firing ?? 0);
    if (more > 0) notice('bad', text(texts, 'alerts_more', {count: more}), {to: '/console/alerts?state=firing'});
    if (now.ingest?.overloaded && !before.ingest?.overloaded) notice('bad', text(texts, 'overloaded'), {to: '/console/system'});
}

export function noteAssigned(items: Assigned['items']): void {
    const [first] = items;
    const detail = items.length === 1 && first ? [first.type, first.subject].filter(Boolean).join(' · ') : undefined;
    notice('info', text(texts, 'assigned', {count: items.length}), {...(detail ? {detail} : {}), to: '/console/review'});
}

export function watchStream(): () => void {
    let lostAt: number | undefined;
    const unassigned = whenAssigned(noteAssigned);
    const unsubscribed = useLive.subscribe((now, before) => {
        if (before.link === 'live' && now.link !== 'live') lostAt = before.heardAt;
        if (now.link === 'live' && before.link !== 'live' && lostAt !== undefined) {
            notice('info', text(texts, 'back_online', {span: span(Date.now() - lostAt)}));
            lostAt = undefined;
        }
        if (now.status && before.status && now.status !== before.status) noteChanges(before.status, now.status);
    });
    return () => {
        unassigned();
        unsubscribed();
    };
}
