// Name and password, or a token; where several people share the token, which of them.
import {Button, PasswordInput, Stack, TextInput} from '@mantine/core';
import {type FormEvent, useEffect, useState} from 'react';
import {api, ProblemError, unwrap} from '@/api/client';
import {useTexts} from '@/i18n';
import {span} from '@/parts/format';
import {Refused} from '@/parts/States';
import {Mark} from './Mark';
import css from './SignIn.module.css';
import {texts} from './texts';

export function SignIn({again, done}: {again: boolean; done: () => void}) {
    const t = useTexts(texts);
    const [byToken, setByToken] = useState(false);
    const [name, setName] = useState('');
    const [secret, setSecret] = useState('');
    const [sharers, setSharers] = useState<string[]>();
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<ProblemError>();
    const [blockedS, setBlockedS] = useState(0);

    useEffect(() => {
        if (blockedS <= 0) return;
        const timer = setTimeout(() => setBlockedS(blockedS - 1), 1_000);
        return () => clearTimeout(timer);
    }, [blockedS]);

    const submit = async (user?: string) => {
        setBusy(true);
        setError(undefined);
        try {
            const body = byToken ? {token: secret.trim(), ...(user ? {user} : {})} : {name: name.trim(), password: secret};
            await unwrap(api.POST('/api/v1/session', {body}));
            done();
        } catch (refused) {
            setBusy(false);
            if (!(refused instanceof ProblemError)) throw refused;
            if (refused.slug === 'which-user') return setSharers(refused.problem?.users as string[]);
            if (refused.status === 429) return setBlockedS(refused.retryAfterSeconds ?? 1);
            setError(refused);
        }
    };
    const onSubmit = (event: FormEvent) => {
        event.preventDefault();
        void submit();
    };
    const other = () => {
        setByToken(!byToken);
        setSecret('');
        setError(undefined);
    };

    return (
        <main className={again ? css.over : css.ground} role={again ? 'dialog' : undefined} aria-modal={again || undefined} aria-label={again ? t('signed_out_title') : undefined}>
            <div className={css.card}>
                <div className={css.brand}><Mark size={36} /> Penstock</div>
                {again && <h1>{t('signed_out_title')}</h1>}
                {again && <p className={css.more}>{t('signed_out_more')}</p>}
                {sharers ? (
                    <Stack gap="xs" className={css.form}>
                        <h2>{t('who')}</h2>
                        <p className={css.more}>{t('who_more')}</p>
                        {sharers.map((user) => (
                            <Button key={user} size="sm" fullWidth justify="flex-start" disabled={busy} onClick={() => void submit(user)}>{user}</Button>
                        ))}
                        <Button variant="subtle" onClick={() => setSharers(undefined)}>{t('back')}</Button>
                    </Stack>
                ) : (
                    <form onSubmit={onSubmit} className={css.form}>
                        <Stack gap="sm">
                            {!byToken && (
                                <TextInput size="sm" label={t('name')} name="name" autoComplete="username" autoFocus required value={name} onChange={(e) => setName(e.currentTarget.value)} />
                            )}
                            <PasswordInput
                                key={byToken ? 'token' : 'password'}
                                size="sm"
                                label={byToken ? t('token') : t('password')}
                                name={byToken ? 'token' : 'password'}
                                autoComplete={byToken ? 'off' : 'current-password'}
                                autoFocus={byToken}
                                required
                                visibilityToggleButtonProps={{'aria-label': t('show_secret')}}
                                value={secret}
                                onChange={(e) => setSecret(e.currentTarget.value)}
                            />
                            {error?.status === 401 ? <p role="alert" className={css.wrong}>{t('wrong')}</p> : <Refused error={error} />}
                            {blockedS > 0 && <p role="alert" className={css.wrong}>{t('wait_s', {span: span(blockedS * 1000)})}</p>}
                            <Button type="submit" size="sm" variant="filled" fullWidth loading={busy} disabled={blockedS > 0}>{t('sign_in')}</Button>
                            <Button variant="subtle" onClick={other}>{byToken ? t('with_password') : t('with_token')}</Button>
                        </Stack>
                    </form>
                )}
            </div>
        </main>
    );
}
