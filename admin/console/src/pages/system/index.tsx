// What each part does right now.
import {Progress} from '@mantine/core';
import {useLive} from '@/api/stream';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {bytes, count, micros, percent, short, span} from '@/parts/format';
import {Facts, Page, Panel} from '@/parts/Page';
import {Empty, Loading} from '@/parts/States';
import {Time} from '@/parts/Time';
import css from './System.module.css';
import {texts} from './texts';

export default function SystemPage() {
    const t = useTexts(texts);
    const status = useLive((live) => live.status);
    if (!status) return <Page title={t('title')}><Loading rows={8} /></Page>;
    const {log, ingest, events, sla, http, dedup, stages} = status;
    if (!log || !ingest || !events || !sla || !http || !dedup || !stages)
        return <Page title={t('title')}><Empty title={t('limited')}>{t('limited_note')}</Empty></Page>;
    const used = (log.bytes_used ?? 0) / Math.max(1, log.bytes_max ?? 1);
    return (
        <Page title={t('title')} note={t('note', {span: span(status.uptime_seconds * 1_000), version: status.version})}>
            <Panel title={t('stages')} note={t('stages_note')} flush>
                <div className={css.scroll} tabIndex={0} role="region" aria-label={t('stages')}>
                    <table className={css.table}>
                        <thead>
                            <tr>
                                <th scope="col">{t('stage')}</th>
                                <th scope="col">{t('in')}</th>
                                <th scope="col">{t('out')}</th>
                                <th scope="col">{t('dropped')}</th>
                                <th scope="col">{t('depth')}</th>
                                <th scope="col">{t('p50')}</th>
                                <th scope="col">{t('p99')}</th>
                            </tr>
                        </thead>
                        <tbody>
                            {stages.map((stage) => (
                                <tr key={stage.name}>
                                    <th scope="row">{t(`stage_${stage.name!}`)}</th>
                                    <td>{short(stage.per_second)}</td>
                                    <td>{count(stage.events_out)}</td>
                                    <td>{count((stage.events_in ?? 0) - (stage.events_out ?? 0))}</td>
                                    <td>{(stage.depth ?? 0) > 1 ? <Badge level={(stage.depth ?? 0) > 8 ? 'warn' : 'none'} quiet>{t('batches', {count: stage.depth ?? 0})}</Badge> : count(stage.depth)}</td>
                                    <td>{micros(stage.p50_us)}</td>
                                    <td>{micros(stage.p99_us)}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            </Panel>
            <div className={css.panels}>
                <Panel title={t('log')}>
                    <Progress value={used * 100} size="lg" mb="sm" color={used > 0.9 ? 'red' : used > 0.75 ? 'yellow' : 'petrol'} aria-label={t('log_used')} />
                    <Facts
                        items={[
                            [t('log_used'), t('log_used_value', {used: bytes(log.bytes_used), max: bytes(log.bytes_max), part: percent(used)})],
                            [t('log_commits'), t('log_commits_value', {rate: short(log.commits_per_second), p99: micros(log.commit?.p99_us)})],
                            [t('log_rate'), t('per_second', {value: bytes(log.bytes_per_second)})],
                            [t('log_first'), count(log.first_seq)],
                            [t('log_next'), count(log.next_seq)],
                            [t('log_trimmed'), count(log.records_trimmed)],
                            [t('id'), <code key="i">{status.log_id}</code>],
                        ]}
                    />
                </Panel>
                <Panel title={t('intake')}>
                    <Facts
                        items={[
                            [t('address'), <code key="a">{ingest.address || '–'}</code>],
                            [t('backend'), <code key="b">{ingest.backend || '–'}</code>],
                            [t('connections'), t('connections_value', {
                                open: count(ingest.connections?.open), accepted: count(ingest.connections?.accepted),
                                refused: count(ingest.connections?.refused), timed_out: count(ingest.connections?.timed_out),
                            })],
                            [t('producers'), count(ingest.producers)],
                            [t('bytes'), `${bytes(ingest.bytes)}, ${t('per_second', {value: bytes(ingest.bytes_per_second)})}`],
                            [t('pauses'), t('pauses_value', {back: count(ingest.backpressure_pauses), limit: count(ingest.rate_limit_pauses)})],
                        ]}
                    />
                </Panel>
                <Panel title={t('totals')}>
                    <Facts
                        items={[
                            [t('received'), count(events.received)],
                            [t('stored'), count(events.stored)],
                            [t('duplicates'), count(events.duplicates)],
                            [t('resent'), count(events.resent)],
                            [t('letters'), count(events.dead_letters)],
                            [t('dedup'), t('dedup_value', {count: dedup.keys ?? 0, bytes: bytes(dedup.bytes)})],
                        ]}
                    />
                </Panel>
                <Panel title={t('deadlines')}>
                    {sla.hold && <p className={css.hold}><Badge level="warn">{t('hold', {time: new Date(sla.hold.until ?? 0).toLocaleTimeString()})}</Badge> <span data-given>{sla.hold.awaited?.join(', ')}</span></p>}
                    <Facts
                        items={[
                            [t('instances'), count(sla.instances)],
                            [t('timers'), count(sla.timers)],
                            [t('fired'), count(sla.fired)],
                            [t('retracted'), count(sla.retracted)],
                            [t('evicted'), count(sla.evicted)],
                            [t('applied'), count(sla.applied_seq)],
                        ]}
                    />
                </Panel>
                <Panel title={t('gaps')}>
                    {(sla.observer_gaps ?? []).length === 0 ? <p className={css.dim}>{t('no_gaps')}</p> : (
                        <ul className={css.gaps}>
                            {[...(sla.observer_gaps ?? [])].reverse().map((gap) => (
                                <li key={gap.from}>
                                    <Time at={gap.from} /> – <Time at={gap.to} />
                                    <span className={css.dim}>{gap.judged ? t('gap_judged', {time: new Date(gap.judged).toLocaleTimeString()}) : t('gap_waits')}</span>
                                </li>
                            ))}
                        </ul>
                    )}
                </Panel>
                <Panel title={t('http')}>
                    <Facts
                        items={[
                            [t('http_connections'), count(http.connections)],
                            [t('stream_clients'), count(http.stream_clients)],
                            [t('interfaces'), <span key="x" className={css.links} data-given><a href="/metrics">/metrics</a> <a href="/api/v1/status">/api/v1/status</a> <a href="/api/v1/openapi.yaml">/api/v1/openapi.yaml</a></span>],
                        ]}
                    />
                </Panel>
            </div>
        </Page>
    );
}
