// Instants to come, each in the rule's own zone, in the user's, and in UTC.
import {useNow} from '@/app/clock';
import {useTexts} from '@/i18n';
import css from './DueTimes.module.css';
import {span} from './format';
import {locale} from '@/i18n';
import {useZone} from './Time';
import {texts} from './texts';

function inZone(at: Date, zone: string): string {
    return new Intl.DateTimeFormat(locale(), {timeZone: zone, weekday: 'short', day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short'}).format(at);
}

export function DueTimes({at, zone}: {at: readonly string[]; zone?: string}) {
    const t = useTexts(texts);
    const mine = useZone();
    const now = useNow(1_000);
    const own = zone && zone !== mine && zone !== 'UTC' ? zone : undefined;
    return (
        <div className={css.scroll}>
            <table className={css.times}>
                <thead>
                    <tr>{own && <th data-given>{own}</th>}<th>{t('local')}</th><th>{t('utc')}</th><th /></tr>
                </thead>
                <tbody>
                    {at.map((instant) => {
                        const date = new Date(instant);
                        return (
                            <tr key={instant}>
                                {own && <td><time dateTime={instant}>{inZone(date, own)}</time></td>}
                                <td><time dateTime={instant}>{inZone(date, mine)}</time></td>
                                <td><time dateTime={instant}>{inZone(date, 'UTC')}</time></td>
                                <td className={css.left}><time dateTime={instant}>{t('in', {span: span(Math.max(0, date.getTime() - now))})}</time></td>
                            </tr>
                        );
                    })}
                </tbody>
            </table>
        </div>
    );
}
