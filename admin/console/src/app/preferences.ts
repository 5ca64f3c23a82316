// Kept on the server for a user; in this browser for who has no user (the local admin, a wallboard's key).
import {create} from 'zustand';
import {api, unwrap} from '@/api/client';
import {setLanguage} from '@/i18n';

export interface SavedView {
    name: string;
    /// An address within the console.
    address: string;
}
export interface Preferences {
    theme: 'auto' | 'light' | 'dark';
    contrast: 'normal' | 'high';
    language: 'auto' | 'en' | 'de' | 'en-XA';
    /// An IANA zone; empty: the browser's.
    zone: string;
    density: 'dense' | 'roomy';
    narrow: boolean;
    shortcuts: Record<string, string>;
    views: SavedView[];
}
export const defaults: Preferences = {
    theme: 'auto',
    contrast: 'normal',
    language: 'auto',
    zone: '',
    density: 'dense',
    narrow: false,
    shortcuts: {},
    views: [],
};

const localName = 'penstock.preferences';
const saveAfterMs = 600;

interface PreferencesState extends Preferences {
    /// Of a user: on the server.
    onServer: boolean;
    /// The last try to keep them failed.
    unsaved: boolean;
}
export const usePreferences = create<PreferencesState>(() => ({...defaults, ...ofBrowser(), onServer: false, unsaved: false}));

function ofBrowser(): Partial<Preferences> {
    try {
        return JSON.parse(localStorage.getItem(localName) ?? '{}') as Partial<Preferences>;
    } catch {
        return {};
    }
}

function plain(state: PreferencesState): Preferences {
    const {onServer: _onServer, unsaved: _unsaved, ...preferences} = state;
    return preferences;
}

let timer: ReturnType<typeof setTimeout> | undefined;
async function save(): Promise<void> {
    const state = usePreferences.getState();
    try {
        localStorage.setItem(localName, JSON.stringify(plain(state)));
    } catch {
        // A browser that keeps nothing; the server does.
    }
    if (!state.onServer) return;
    try {
        await unwrap(api.PUT('/api/v1/preferences', {body: plain(state) as never}));
        usePreferences.setState({unsaved: false});
    } catch {
        usePreferences.setState({unsaved: true});
    }
}

export function setPreference<K extends keyof Preferences>(name: K, value: Preferences[K]): void {
    usePreferences.setState({[name]: value} as Partial<PreferencesState>);
    if (name === 'language') applyLanguage();
    clearTimeout(timer);
    timer = setTimeout(() => void save(), saveAfterMs);
}

export function applyLanguage(): void {
    const {language} = usePreferences.getState();
    const wanted = language === 'auto' ? (navigator.language.startsWith('de') ? 'de' : 'en') : language;
    setLanguage(wanted);
}

/// Of who signed in; `given` undefined: has no user.
export function loadPreferences(given: object | undefined): void {
    usePreferences.setState({...defaults, ...ofBrowser(), ...(given ?? {}), onServer: given !== undefined, unsaved: false});
    applyLanguage();
}

export const zoneOf = (preferences: {zone: string}): string =>
    preferences.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
