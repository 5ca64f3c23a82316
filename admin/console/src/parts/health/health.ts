// What the figures mean: one level a part of the appliance, the same on the overview and on the wall.
import type {Status} from '@/api/stream';
import type {Level} from '@/parts/Badge';

export type CheckName = 'intake' | 'log' | 'deadlines' | 'regions' | 'alerts' | 'letters';
export interface Check {
    name: CheckName;
    level: Level;
    /// A key of the texts, and what it is filled with.
    says: string;
    values: Record<string, string | number>;
    to: string;
}

const lagWarnS = 60;

export function lagOf(region: Status['regions'][number]): Level {
    if (!region.configured) return 'none';
    if (region.breaker === 'open') return 'bad';
    if (region.breaker === 'half_open' || (region.lag_seconds ?? 0) > lagWarnS) return 'warn';
    return 'ok';
}

export function checksOf(status: Status): Check[] {
    // Who is limited to some regions or tenants is not told of the whole.
    const {log, sla, events} = status;
    const used = (log?.bytes_used ?? 0) / Math.max(1, log?.bytes_max ?? 1);
    const down = status.regions.filter((r) => r.configured && r.breaker === 'open');
    const slow = status.regions.filter((r) => lagOf(r) === 'warn');
    const configured = status.regions.filter((r) => r.configured).length;
    const firing = status.alerts?.firing ?? 0;
    const acked = status.alerts?.acked ?? 0;
    const refusedNow = events?.dead_letters_per_second ?? 0;
    const of = (name: CheckName, level: Level, says: string, to: string, values: Check['values'] = {}): Check => ({name, level, says, values, to});
    return [
        status.readiness !== 'ready' ? of('intake', 'bad', 'intake_not_ready', '/console/system', {state: status.readiness})
        : status.ingest?.overloaded ? of('intake', 'bad', 'intake_overloaded', '/console/system')
        : of('intake', 'ok', 'intake_ok', '/console/live', {count: status.ingest?.connections?.open ?? 0}),
        !log ? undefined
        : used >= 0.9 ? of('log', 'bad', 'log_full', '/console/system', {used: Math.round(used * 100)})
        : of('log', used >= 0.75 ? 'warn' : 'ok', 'log_ok', '/console/system', {used: Math.round(used * 100)}),
        !sla ? undefined
        : sla.hold ? of('deadlines', 'warn', 'deadlines_held', '/console/workflows')
        : of('deadlines', 'ok', 'deadlines_ok', '/console/workflows', {count: sla.timers ?? 0}),
        configured === 0 ? of('regions', 'none', 'regions_none', '/console/regions')
        : down.length > 0 ? of('regions', 'bad', 'regions_down', '/console/regions', {count: down.length, names: down.map((r) => r.name).join(', ')})
        : slow.length > 0 ? of('regions', 'warn', 'regions_slow', '/console/regions', {count: slow.length, names: slow.map((r) => r.name).join(', ')})
        : of('regions', 'ok', 'regions_ok', '/console/regions', {count: configured}),
        firing > 0 ? of('alerts', 'bad', 'alerts_firing', '/console/alerts?state=firing', {count: firing})
        : acked > 0 ? of('alerts', 'warn', 'alerts_acked', '/console/alerts?state=acked', {count: acked})
        : of('alerts', 'ok', 'alerts_none', '/console/alerts'),
        !events ? undefined
        : refusedNow > 0 ? of('letters', 'warn', 'letters_now', '/console/deadletters', {count: Math.ceil(refusedNow)})
        : of('letters', 'ok', 'letters_ok', '/console/deadletters', {count: events.dead_letters ?? 0}),
    ].filter((check) => check !== undefined);
}

const order: Level[] = ['none', 'ok', 'info', 'warn', 'bad'];
export const worst = (levels: Level[]): Level => levels.reduce((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), 'none');
export const levelOfHealth = (health: 'green' | 'amber' | 'red'): Level => (health === 'green' ? 'ok' : health === 'amber' ? 'warn' : 'bad');
