// Keys: each action has a name and default keys ("j", "g o", "mod+k"), which people may change. While somebody types,
// only those with a modifier count.
import {useEffect, useRef} from 'react';
import {create} from 'zustand';
import {type TextKey, type Texts, text} from '@/i18n';
import {usePreferences} from './preferences';

export interface Action {
    id: string;
    keys: string;
    label: () => string;
}
const actions = new Map<string, Action>();

/// At a module's top level; `label` is looked up when shown, in the language of then.
export function defineAction<T extends Record<string, string>>(
    id: string,
    keys: string,
    texts: Texts<T>,
    key: TextKey<T>,
): string {
    actions.set(id, {id, keys, label: () => text(texts, key)});
    return id;
}
export const allActions = (): Action[] => [...actions.values()];
export function keysOf(id: string, remapped = usePreferences.getState().shortcuts): string {
    return remapped[id] ?? actions.get(id)?.keys ?? '';
}
export function useKeysOf(id: string): string {
    return keysOf(
        id,
        usePreferences((p) => p.shortcuts),
    );
}

interface Bound {
    id: string;
    handler: (event: KeyboardEvent) => void;
}
/// What is mounted last comes first.
const bound: Bound[] = [];
/// The actions that can be done now; for the palette.
export const useBound = create<{ids: string[]}>(() => ({ids: []}));
const tell = () => useBound.setState({ids: [...new Set(bound.map((b) => b.id))]});
export function runAction(id: string): void {
    bound.findLast((b) => b.id === id)?.handler(new KeyboardEvent('keydown'));
}

export function useShortcut(id: string, handler: (event: KeyboardEvent) => void, enabled = true): void {
    const latest = useRef(handler);
    latest.current = handler;
    useEffect(() => {
        if (!enabled) return;
        const entry: Bound = {id, handler: (event) => latest.current(event)};
        bound.push(entry);
        tell();
        return () => {
            bound.splice(bound.indexOf(entry), 1);
            tell();
        };
    }, [id, enabled]);
}

const isMac = typeof navigator !== 'undefined' && /mac/i.test(navigator.platform);
/// "mod+k" of a key press; empty for a modifier alone.
export function pressOf(event: KeyboardEvent): string {
    const {key} = event;
    if (['Control', 'Shift', 'Alt', 'Meta', 'Dead', 'Unidentified'].includes(key)) return '';
    const mod = isMac ? event.metaKey : event.ctrlKey;
    const name = key === ' ' ? 'space' : key.toLowerCase();
    return `${mod ? 'mod+' : ''}${event.altKey ? 'alt+' : ''}${event.shiftKey && key.length > 1 ? 'shift+' : ''}${name}`;
}
export function showKeys(keys: string): string {
    return keys
        .split(' ')
        .map((press) => press.replace('mod+', isMac ? '⌘' : 'Ctrl ').replace(/(^|\s)([a-z])$/, (_, s, c) => s + c.toUpperCase()))
        .join(' ');
}

const sequenceMs = 1_000;
let pending = '';
let pendingAt = 0;

export function listenForShortcuts(): () => void {
    const onKey = (event: KeyboardEvent) => {
        if (event.defaultPrevented || event.isComposing) return;
        const press = pressOf(event);
        if (!press) return;
        const target = event.target as HTMLElement | null;
        const typing = target?.closest('input, textarea, select, [contenteditable="true"], [role="textbox"]') != null;
        if (typing && !press.startsWith('mod+')) return;
        if (target?.closest('[role="menu"], [role="listbox"]')) return;
        // These keys press what has the focus.
        if ((press === 'space' || press === 'enter') && target?.closest('button, a, summary, [role="radio"], [role="switch"]')) return;
        const whole = pending && Date.now() - pendingAt < sequenceMs ? `${pending} ${press}` : press;
        for (const keys of whole === press ? [press] : [whole, press]) {
            const found = bound.findLast((b) => keysOf(b.id) === keys);
            if (found) {
                pending = '';
                event.preventDefault();
                found.handler(event);
                return;
            }
        }
        pending = bound.some((b) => keysOf(b.id).startsWith(`${press} `)) ? press : '';
        pendingAt = Date.now();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
}
