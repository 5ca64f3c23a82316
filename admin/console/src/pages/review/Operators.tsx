// Who is there, with how much.
import {useTexts} from '@/i18n';
import {useNow} from '@/app/clock';
import {Badge} from '@/parts/Badge';
import {type Column, DataTable} from '@/parts/DataTable';
import {count, span} from '@/parts/format';
import {Facts, Panel} from '@/parts/Page';
import {Empty, Trouble} from '@/parts/States';
import {useSummary} from './items';
import css from './review.module.css';
import {texts} from './texts';

type Load = NonNullable<ReturnType<typeof useSummary>['data']>['operators'][number];

export function Operators() {
    const t = useTexts(texts);
    const summary = useSummary();
    const now = useNow(5_000);
    if (summary.isError && !summary.data) return <Panel><Trouble error={summary.error} retry={() => void summary.refetch()} /></Panel>;
    const s = summary.data;
    const people = [...(s?.operators ?? [])].sort((a, b) => Number(b.active) - Number(a.active) || b.open - a.open || a.name.localeCompare(b.name));
    const most = Math.max(10, ...people.map((p) => p.open));
    const columns: Column<Load>[] = [
        {id: 'name', header: t('operator'), width: 'minmax(7rem, 1fr)', cell: (p) => p.name},
        {id: 'presence', header: t('presence'), width: '7rem', cell: (p) => <Badge level={p.active ? 'ok' : 'none'} quiet>{t(p.active ? 'is_here' : 'is_away')}</Badge>},
        {
            id: 'open', header: t('load'), width: 'minmax(6rem, 2fr)',
            cell: (p) => (
                <span className={css.load}>
                    <span className={css.loadFigure}>{count(p.open)}</span>
                    <span className={css.loadBar} aria-hidden><i style={{width: `${(100 * p.open) / most}%`}} /></span>
                </span>
            ),
        },
        {id: 'in_review', header: t('working_on'), width: '6rem', align: 'right', wide: true, cell: (p) => count(p.in_review)},
        {id: 'decided', header: t('decided'), width: '6rem', align: 'right', cell: (p) => count(p.decided)},
    ];
    const waiting = Object.values(s?.waiting ?? {}).reduce((sum, n) => sum + n, 0);
    return (
        <>
            {s && (
                <Panel>
                    <Facts
                        items={[
                            [t('waiting'), <>{count(waiting)}{s.oldest_waiting && <> · {t('oldest', {span: span(Math.max(0, now - Date.parse(s.oldest_waiting)))})}</>}</>],
                            ...(waiting > 0 ? [[t('by_region'), <span data-given>{Object.entries(s.waiting).filter(([, n]) => n > 0).map(([region, n]) => `${region} ${count(n)}`).join(' · ')}</span>] as [string, React.ReactNode]] : []),
                            ...(s.decisions_to_flush ? [[t('to_flush'), count(s.decisions_to_flush)] as [string, React.ReactNode]] : []),
                            ...(s.not_kept ? [[t('not_kept'), count(s.not_kept)] as [string, React.ReactNode]] : []),
                        ]}
                    />
                </Panel>
            )}
            <Panel flush label={t('people')}>
                <DataTable rows={people} columns={columns} rowKey={(p) => p.user} label={t('people')} loading={summary.isPending} dim={(p) => !p.active} height={`${Math.min(Math.max(people.length, 4) * 36 + 40, 640)}px`} empty={<Empty title={t('people_empty')}>{t('people_empty_more')}</Empty>} />
            </Panel>
        </>
    );
}
