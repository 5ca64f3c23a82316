import {Button, Group, Stack, Textarea, TextInput} from '@mantine/core';
import {useQuery, useQueryClient} from '@tanstack/react-query';
import {useState} from 'react';
import {Link} from 'wouter';
import {api, unwrap} from '@/api/client';
import {useMay} from '@/app/session';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {bytes, count} from '@/parts/format';
import {Json} from '@/parts/Json';
import {Facts} from '@/parts/Page';
import {ReasonDialog} from '@/parts/Reason';
import {Loading, Refused, Trouble} from '@/parts/States';
import {Time} from '@/parts/Time';
import {done} from '@/parts/toast';
import {type DeadLetter, levelOf} from '.';
import css from './Letter.module.css';
import {texts} from './texts';

function RetryForm({letter, onOther}: {letter: DeadLetter; onOther: (seq: number) => void}) {
    const t = useTexts(texts);
    const queries = useQueryClient();
    const original = letter.raw ?? (letter.event ? JSON.stringify(letter.event, null, 2) : '');
    const [text, setText] = useState(original);
    const [note, setNote] = useState('');
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const [dropping, setDropping] = useState(false);
    const refresh = () => queries.invalidateQueries({queryKey: ['deadletters']});
    const retry = async () => {
        setBusy(true);
        setError(undefined);
        try {
            const body = {...(note.trim() ? {note: note.trim()} : {}), ...(text !== original ? {replace: text} : {})};
            const result = await unwrap(api.POST('/api/v1/deadletters/{seq}/retry', {params: {path: {seq: letter.seq}}, body}));
            if (result.outcome === 'stored') done(t('stored', {seq: count(result.event_seq)}));
            else if (result.outcome === 'duplicate') done(t('duplicate'));
            else if (result.new_dead_letter !== undefined) {
                done(t('refused_again', {cause: result.cause ?? '', seq: count(result.new_dead_letter)}));
                onOther(result.new_dead_letter);
            }
            await refresh();
        } catch (refused) {
            setError(refused);
        }
        setBusy(false);
    };
    return (
        <Stack gap="xs">
            {!letter.raw_truncated && (
                <>
                    <Textarea
                        label={t('mended')}
                        description={t('mended_more')}
                        autosize
                        minRows={4}
                        maxRows={16}
                        spellCheck={false}
                        classNames={{input: css.raw!}}
                        value={text}
                        onChange={(event) => setText(event.currentTarget.value)}
                    />
                    <TextInput label={t('note_field')} maxLength={1024} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
                </>
            )}
            <Refused error={error} />
            <Group gap="xs">
                {!letter.raw_truncated && <Button variant="filled" loading={busy} onClick={() => void retry()}>{t('retry')}</Button>}
                <Button onClick={() => setDropping(true)}>{t('drop')}</Button>
            </Group>
            {dropping && (
                <ReasonDialog
                    title={t('drop_title', {seq: letter.seq})}
                    action={t('drop')}
                    danger
                    run={(reason) => unwrap(api.POST('/api/v1/deadletters/{seq}/drop', {params: {path: {seq: letter.seq}}, body: {note: reason}}))}
                    onDone={() => { done(t('dropped')); void refresh(); }}
                    onClose={() => setDropping(false)}
                >
                    <p>{t('drop_more')}</p>
                </ReasonDialog>
            )}
        </Stack>
    );
}

export function Letter({seq, onOther}: {seq: number; onOther: (seq: number) => void}) {
    const t = useTexts(texts);
    const may = useMay('operator');
    const found = useQuery({
        queryKey: ['deadletters', 'one', seq],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/deadletters/{seq}', {params: {path: {seq}}, signal})),
    });
    if (found.isLoadingError) return <Trouble error={found.error} />;
    if (!found.data) return <Loading />;
    const letter = found.data;
    const status = letter.status ?? 'open';
    return (
        <>
            <div data-given>
                <Facts
                    items={[
                        [t('status'), <Badge key="s" level={levelOf[status]}>{t(`status_${status}`)}</Badge>],
                        [t('cause'), <strong key="c">{letter.cause}</strong>],
                        [t('detail'), letter.detail ?? '–'],
                        ...(letter.help ? [[t('help'), letter.help] as [React.ReactNode, React.ReactNode]] : []),
                        [t('received'), <Time key="r" at={letter.received} />],
                        [t('tenant'), letter.tenant ?? '–'],
                        [t('from'), <code key="p">{letter.peer}</code>],
                        ...(letter.producer ? [[t('producer'), letter.producer] as [React.ReactNode, React.ReactNode]] : []),
                        [t('position'), count(letter.position)],
                        [t('whole'), bytes(letter.whole_bytes)],
                        ...(letter.retry_of ? [[t('retry_of'), <Link key="o" href={`/console/deadletters/${letter.retry_of}`}>{letter.retry_of}</Link>] as [React.ReactNode, React.ReactNode]] : []),
                    ]}
                />
            </div>
            {letter.raw_truncated && <Badge level="warn">{t('cut', {kept: bytes((letter.raw ?? letter.raw_base64 ?? '').length)})}</Badge>}
            {may && status === 'open' ? <RetryForm letter={letter} onOther={onOther} /> : <Json value={letter.raw ?? letter.event ?? letter.raw_base64 ?? ''} label={t('raw')} />}
            {(letter.history ?? []).length > 0 && (
                <section>
                    <h3 className={css.head}>{t('history')}</h3>
                    <ol className={css.history}>
                        {letter.history!.map((step) => (
                            <li key={step.seq}>
                                <Time at={step.at} />
                                <span data-given>
                                    {t(`did_${step.action}`, {by: step.by})}{step.edited ? ` (${t('edited')})` : ''}
                                    {step.outcome === 'stored' && step.event_seq && <> · {t('stored', {seq: count(step.event_seq)})}</>}
                                    {step.note && <em> “{step.note}”</em>}
                                </span>
                            </li>
                        ))}
                    </ol>
                </section>
            )}
        </>
    );
}
