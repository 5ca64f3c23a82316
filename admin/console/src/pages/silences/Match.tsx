// Which alerts a silence or a window is about, and how many of those are firing now.
import {Select, TextInput} from '@mantine/core';
import {useQuery} from '@tanstack/react-query';
import {api, unwrap} from '@/api/client';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import css from './silences.module.css';
import {texts} from './texts';

export interface Matching {
    tenant?: string | undefined;
    workflow?: string | undefined;
    rule?: string | undefined;
    group?: string | undefined;
    severity_at_least?: number | undefined;
}
export const filled = (match: Matching): Matching => Object.fromEntries(Object.entries(match).filter(([, value]) => value !== undefined && value !== '')) as Matching;
export const matchesSomething = (match: Matching): boolean => Object.keys(filled(match)).length > 0;

/// In words, for a list.
export function MatchText({match}: {match: Matching}) {
    const t = useTexts(texts);
    const words: [string, string][] = [];
    for (const name of ['tenant', 'workflow', 'rule', 'group'] as const) if (match[name]) words.push([t(name), match[name]!]);
    if (words.length === 0 && !match.severity_at_least) return <>{t('any')}</>;
    return (
        <span className={css.match}>
            {words.map(([name, value]) => <span key={name}><small>{name}</small> <span data-given>{value}</span></span>)}
            {!!match.severity_at_least && <span>{t('severity_at_least', {n: match.severity_at_least})}</span>}
        </span>
    );
}

function FiringNow({match}: {match: Matching}) {
    const t = useTexts(texts);
    const {rule, ...query} = filled(match);
    const firing = useQuery({
        queryKey: ['alerts', 'firing', query],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/alerts', {signal, params: {query: {state: 'firing', limit: 500, ...(query as object)}}})),
        enabled: matchesSomething(match),
    });
    if (!firing.data) return null;
    const n = firing.data.items.filter((alert) => !rule || alert.rule === rule).length;
    return <Badge level={n > 0 ? 'info' : 'none'}>{n > 0 ? t('match_now', {count: n}) : t('match_none')}</Badge>;
}

export function MatchFields({match, onChange, severity}: {match: Matching; onChange: (match: Matching) => void; severity?: boolean}) {
    const t = useTexts(texts);
    const workflows = useQuery({queryKey: ['workflows'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/workflows', {signal}))});
    const field = (name: 'tenant' | 'rule' | 'group') => (
        <TextInput label={t(name)} value={match[name] ?? ''} onChange={(event) => onChange({...match, [name]: event.currentTarget.value})} />
    );
    const names = [...new Set([...(match.workflow ? [match.workflow] : []), ...(workflows.data?.items.map((w) => w.name) ?? [])])];
    return (
        <fieldset className={css.fields}>
            <legend>{t('match_title')} <small>{t('match_more')}</small></legend>
            <Select label={t('workflow')} searchable clearable data={names} value={match.workflow ?? null} onChange={(value) => onChange({...match, workflow: value ?? ''})} />
            {field('rule')}
            {field('group')}
            {field('tenant')}
            {severity && (
                <Select
                    label={t('severity')} clearable value={match.severity_at_least ? String(match.severity_at_least) : null}
                    data={[5, 4, 3, 2].map((n) => ({value: String(n), label: t('severity_at_least', {n})}))}
                    onChange={(value) => onChange({...match, severity_at_least: value ? Number(value) : undefined})}
                />
            )}
            <div className={css.now} role="status"><FiringNow match={match} /></div>
        </fieldset>
    );
}
