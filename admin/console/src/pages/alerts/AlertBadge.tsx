import {IconBellOff, IconTool, IconActivity, IconEyeOff} from '@tabler/icons-react';
import {useTexts} from '@/i18n';
import {Badge} from '@/parts/Badge';
import {type Alert, type AlertState, heldBack, stateLevels} from './alerts';
import css from './alerts.module.css';
import {texts} from './texts';

export function AlertBadge({state, quiet}: {state: AlertState; quiet?: boolean}) {
    const t = useTexts(texts);
    return <Badge level={stateLevels[state]} {...(quiet ? {quiet} : {})}>{t(`state_${state}`)}</Badge>;
}

const icons = {silenced: IconBellOff, maintenance: IconTool, inhibited: IconEyeOff, flapping: IconActivity};
/// Why nobody is told now; nothing where somebody is.
export function HeldBack({alert}: {alert: Alert}) {
    const t = useTexts(texts);
    const why = heldBack(alert);
    if (!why) return null;
    const Icon = icons[why];
    return <span className={css.held}><Icon size={14} aria-hidden /> {t(why)}</span>;
}
