import {Modal, SegmentedControl, Select, Stack, Switch} from '@mantine/core';
import {useMemo} from 'react';
import {useTexts} from '@/i18n';
import {type Preferences, setPreference, usePreferences} from '../preferences';
import {texts} from '../texts';
import css from './Dialogs.module.css';

export default function PreferencesDialog({onClose}: {onClose: () => void}) {
    const t = useTexts(texts);
    const preferences = usePreferences();
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const zones = useMemo(() => ['UTC', ...Intl.supportedValuesOf('timeZone').filter((z) => z !== 'UTC')], []);
    const choice = <K extends keyof Preferences>(name: K, label: string, data: {value: string; label: string}[]) => (
        <div className={css.choice}>
            <span>{label}</span>
            <SegmentedControl aria-label={label} data={data} value={String(preferences[name])} onChange={(value) => setPreference(name, value as Preferences[K])} />
        </div>
    );
    return (
        <Modal opened onClose={onClose} title={t('preferences')}>
            <Stack gap="md">
                {choice('theme', t('theme'), [
                    {value: 'auto', label: t('theme_auto')},
                    {value: 'light', label: t('theme_light')},
                    {value: 'dark', label: t('theme_dark')},
                ])}
                <Switch label={t('contrast')} checked={preferences.contrast === 'high'} onChange={(e) => setPreference('contrast', e.currentTarget.checked ? 'high' : 'normal')} />
                {choice('language', t('language'), [
                    {value: 'auto', label: t('language_auto')},
                    {value: 'en', label: 'English'},
                    {value: 'de', label: 'Deutsch'},
                ])}
                <Select
                    label={t('zone')}
                    searchable
                    data={[{value: '', label: t('zone_auto', {zone: own})}, ...zones.map((z) => ({value: z, label: z}))]}
                    value={preferences.zone}
                    onChange={(value) => setPreference('zone', value ?? '')}
                    maxDropdownHeight={240}
                />
                {choice('density', t('density'), [
                    {value: 'dense', label: t('density_dense')},
                    {value: 'roomy', label: t('density_roomy')},
                ])}
                <p className={css.hint} role="status">{preferences.unsaved ? t('not_kept') : preferences.onServer ? t('kept_on_server') : t('kept_in_browser')}</p>
            </Stack>
        </Modal>
    );
}
