// The notification centre: what happened while one looked elsewhere. Toasts are for answers to what one just did.
import {create} from 'zustand';

export type NoticeLevel = 'ok' | 'warn' | 'bad' | 'info';
export interface Notice {
    id: number;
    at: number;
    level: NoticeLevel;
    title: string;
    detail?: string | undefined;
    /// An address within the console.
    to?: string | undefined;
    read: boolean;
}
const kept = 100;

export const useNotices = create<{items: Notice[]}>(() => ({items: []}));
let next = 1;

export function notice(level: NoticeLevel, title: string, more: {detail?: string; to?: string} = {}): void {
    const item: Notice = {id: next++, at: Date.now(), level, title, read: false, ...more};
    useNotices.setState(({items}) => ({items: [item, ...items].slice(0, kept)}));
}
export function markNoticesRead(): void {
    useNotices.setState(({items}) => ({items: items.map((item) => (item.read ? item : {...item, read: true}))}));
}
export function clearNotices(): void {
    useNotices.setState({items: []});
}
