import {Loader} from '@mantine/core';
import type {ProblemError} from '@/api/client';
import {useTexts} from '@/i18n';
import {Mark} from './Mark';
import css from './SignIn.module.css';
import {texts} from './texts';

/// Before it is known who asks. `error`: why it is not.
export function Waiting({error}: {error: ProblemError | undefined}) {
    const t = useTexts(texts);
    const recovering = error?.slug === 'not-ready';
    return (
        <main className={css.ground}>
            <div className={css.card} role="status">
                <div className={css.brand}><Mark size={36} /> Penstock</div>
                {error ? (
                    <>
                        <h1>{recovering ? t('recovering') : t('waiting')}</h1>
                        <p className={css.more}>{recovering ? t('recovering_more') : t('waiting_more')}</p>
                        <Loader size="sm" type="dots" />
                    </>
                ) : (
                    <Loader size="sm" type="dots" />
                )}
            </div>
        </main>
    );
}
