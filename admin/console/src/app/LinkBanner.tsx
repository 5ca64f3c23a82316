// Says when what is shown is not live, since when, and what to do.
import {Button} from '@mantine/core';
import {IconPlugConnectedX, IconRefresh} from '@tabler/icons-react';
import {useLive} from '@/api/stream';
import {useTexts} from '@/i18n';
import {clockTime, span} from '@/parts/format';
import {useZone} from '@/parts/Time';
import {useNow} from './clock';
import css from './LinkBanner.module.css';
import {texts} from './texts';

function NextTry({at}: {at: number}) {
    const t = useTexts(texts);
    useNow(1_000);
    const left = Math.max(0, Math.ceil((at - Date.now()) / 1000) * 1000);
    return <span>{left > 0 ? t('stale_next', {span: span(left)}) : t('connecting')}</span>;
}

export function LinkBanner({newBuild, tryNow}: {newBuild: boolean; tryNow: () => void}) {
    const t = useTexts(texts);
    const zone = useZone();
    const {link, heardAt, nextTryAt} = useLive();
    const readiness = useLive((live) => live.status?.readiness);
    const stale = link === 'late' || link === 'lost';
    return (
        <div aria-live="polite">
            {stale && (
                <div className={css.banner} data-level="warn">
                    <IconPlugConnectedX size={16} aria-hidden />
                    <strong>{heardAt ? t('stale', {time: clockTime(new Date(heardAt), zone, new Date())}) : t('lost')}</strong>
                    {link === 'lost' && nextTryAt && <NextTry at={nextTryAt} />}
                    {link === 'lost' && <Button variant="default" size="compact-xs" onClick={tryNow}>{t('try_now')}</Button>}
                </div>
            )}
            {!stale && readiness && readiness !== 'ready' && (
                <div className={css.banner} data-level="warn">{t('not_ready', {state: readiness})}</div>
            )}
            {newBuild && (
                <div className={css.banner} data-level="info">
                    <IconRefresh size={16} aria-hidden />
                    <span>{t('new_build')}</span>
                    <Button variant="default" size="compact-xs" onClick={() => window.location.reload()}>{t('reload')}</Button>
                </div>
            )}
        </div>
    );
}
