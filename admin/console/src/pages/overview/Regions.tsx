import type {Status} from '@/api/stream';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {short, span} from '@/parts/format';
import {lagOf} from '@/parts/health/health';
import {Panel} from '@/parts/Page';
import css from './Overview.module.css';
import {texts} from './texts';

const says = {ok: 'state_ok', warn: 'state_warn', bad: 'state_bad', none: 'state_none', info: 'state_none'} as const;

export function Regions({regions}: {regions: Status['regions']}) {
    const t = useTexts(texts);
    return (
        <Panel title={t('regions')} flush>
            <table className={css.regions}>
                <thead>
                    <tr>
                        <th scope="col">{t('region')}</th>
                        <th scope="col">{t('region_state')}</th>
                        <th scope="col" className={css.number}>{t('region_rate')}</th>
                        <th scope="col" className={css.number}>{t('region_lag')}</th>
                        <th scope="col" className={`${css.number} ${css.optional}`}>{t('region_waiting')}</th>
                    </tr>
                </thead>
                <tbody>
                    {regions.map((region) => (
                        <tr key={region.name}>
                            <td className={css.name} data-given>{region.name}</td>
                            <td title={region.error || undefined}><Badge level={lagOf(region)} quiet>{t(says[lagOf(region)])}</Badge></td>
                            <td className={css.number}>{region.configured ? short(region.rows_per_second) : '–'}</td>
                            <td className={css.number}>{region.configured ? span((region.lag_seconds ?? 0) * 1_000) : '–'}</td>
                            <td className={`${css.number} ${css.optional}`}>{short(region.waiting)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </Panel>
    );
}
