// What a version changes, by lines; long stretches of the same are folded.
import {Select} from '@mantine/core';
import {useQuery} from '@tanstack/react-query';
import {useMemo, useState} from 'react';
import {api, unwrap} from '@/api/client';
import {useTexts} from '@/i18n';
import {Panel} from '@/parts/Page';
import {Loading, Trouble} from '@/parts/States';
import {folded} from './folded';
import {texts} from './texts';
import type {Version} from './workflows';
import css from './workflows.module.css';

export function Diff({name, version, versions}: {name: string; version: number; versions: readonly Version[]}) {
    const t = useTexts(texts);
    const [against, setAgainst] = useState<number | undefined>();
    const diff = useQuery({
        queryKey: ['workflows', name, 'diff', version, against],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/workflows/{name}/versions/{version}/diff', {signal, params: {path: {name, version}, query: against ? {against} : {}}})),
        staleTime: Infinity,
    });
    const parts = useMemo(() => folded(diff.data?.lines ?? []), [diff.data]);
    const others = versions.filter((v) => v.version !== version).map((v) => ({value: String(v.version), label: `${t('version_n', {n: v.version})} · ${t(`state_${v.state}`)}`}));
    return (
        <Panel
            title={t('diff', {n: version})}
            note={diff.data && t('diff_counts', {added: diff.data.added, removed: diff.data.removed})}
            actions={others.length > 0 && <Select aria-label={t('diff_against')} w="14rem" data={others} value={String(against ?? diff.data?.against ?? '') || null} onChange={(value) => value && setAgainst(Number(value))} />}
        >
            {diff.isPending ? <Loading rows={8} />
            : diff.isError ? <Trouble error={diff.error} retry={() => void diff.refetch()} />
            : diff.data.added + diff.data.removed === 0 ? <p>{t('diff_nothing')}</p>
            : (
                <div className={css.diff} tabIndex={0} role="region" aria-label={t('diff', {n: version})} data-given>
                    {parts.map((part, i) =>
                        'hidden' in part ? (
                            <p key={i} className={css.hidden}>{t('diff_hidden', {count: part.hidden})}</p>
                        ) : (
                            <pre key={i} data-op={part.op}><span className="unseen">{part.op === 'same' ? '' : t(part.op === 'added' ? 'added_line' : 'removed_line')}</span><i aria-hidden>{part.op === 'added' ? '+' : part.op === 'removed' ? '−' : ' '}</i>{part.text}</pre>
                        ),
                    )}
                </div>
            )}
        </Panel>
    );
}
