// How many alerts are in which state; each chooses its own.
import {UnstyledButton} from '@mantine/core';
import {useLive} from '@/api/stream';
import {useTexts} from '@/i18n';
import {LevelIcon} from '@/parts/Badge';
import {short} from '@/parts/format';
import {type AlertState, stateLevels, states} from './alerts';
import css from './alerts.module.css';
import {texts} from './texts';

export function Strip({chosen, onChoose}: {chosen: AlertState | 'all'; onChoose: (state: AlertState | 'all') => void}) {
    const t = useTexts(texts);
    const counts = useLive((live) => live.status?.alerts);
    const all = counts ? states.reduce((sum, state) => sum + (counts[state] ?? 0), 0) : undefined;
    return (
        <div className={css.strip} role="group" aria-label={t('states')}>
            {states.map((state) => (
                <UnstyledButton key={state} className={css.tile} data-level={(counts?.[state] ?? 0) > 0 ? stateLevels[state] : 'none'} aria-pressed={chosen === state} onClick={() => onChoose(state)}>
                    <span className={css.tileName}><LevelIcon level={(counts?.[state] ?? 0) > 0 ? stateLevels[state] : 'none'} size={15} label="" /> {t(`state_${state}`)}</span>
                    <span className={css.tileFigure}>{short(counts?.[state])}</span>
                    <span className={css.tileMore}>{t(`${state}_more`)}</span>
                </UnstyledButton>
            ))}
            <UnstyledButton className={css.tile} data-level="none" aria-pressed={chosen === 'all'} onClick={() => onChoose('all')}>
                <span className={css.tileName}>{t('all')}</span>
                <span className={css.tileFigure}>{short(all)}</span>
            </UnstyledButton>
        </div>
    );
}
