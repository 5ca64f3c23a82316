import {Link} from 'wouter';
import {useLive} from '@/api/stream';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {count, short, span} from '@/parts/format';
import {lagOf} from '@/parts/health/health';
import {Facts, Page, Panel} from '@/parts/Page';
import {Loading} from '@/parts/States';
import css from './Regions.module.css';
import {texts} from './texts';

export default function RegionsPage() {
    const t = useTexts(texts);
    const status = useLive((live) => live.status);
    if (!status) return <Page title={t('title')}><Loading /></Page>;
    return (
        <Page title={t('title')} note={t('note')}>
            <div className={css.grid}>
                {status.regions.map((region) => {
                    const level = lagOf(region);
                    const behind = Math.max(0, (status.log?.next_seq ?? 0) - 1 - (region.flushed_seq ?? 0));
                    return (
                        <Panel
                            key={region.name}
                            title={<span data-given>{region.name}</span>}
                            label={region.name ?? ''}
                            note={<Link href={`/console/search?q=${encodeURIComponent(`region:${region.name}`)}`}>{t('search')}</Link>}
                            actions={<Badge level={level}>{t(level === 'info' ? 'ok' : level)}</Badge>}
                        >
                            {region.configured ? (
                                <Facts
                                    items={[
                                        [t('breaker'), t(`breaker_${region.breaker ?? 'closed'}`)],
                                        [t('lag'), span((region.lag_seconds ?? 0) * 1_000)],
                                        [t('waiting'), count(region.waiting)],
                                        [t('rows'), short(region.rows_per_second)],
                                        [t('stored'), count(region.stored)],
                                        [t('flushed'), <span key="f">{count(region.flushed_seq)} <span className={css.dim}>{t('behind', {count: behind})}</span></span>],
                                        [t('failures'), count(region.failures)],
                                        ...(region.error ? [[t('error'), <span key="e" className={css.error} data-given>{region.error}</span>] as [React.ReactNode, React.ReactNode]] : []),
                                    ]}
                                />
                            ) : <p className={css.dim}>{t('no_database')}</p>}
                        </Panel>
                    );
                })}
            </div>
        </Page>
    );
}
