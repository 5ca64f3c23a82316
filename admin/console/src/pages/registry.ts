// The console's pages; one line each. `load` brings the page's code when it is opened first.
import {
    IconActivity, IconAlertTriangle, IconChecklist, IconDeviceTv, IconFileCode, IconFileOff, IconGauge, IconHistory, IconKey,
    IconLayoutDashboard, IconRoute, IconSearch, IconSettings, IconSitemap, IconUsers, IconVolumeOff, IconWorld,
} from '@tabler/icons-react';
import {type ComponentType, lazy, type LazyExoticComponent} from 'react';
import type {TextKey} from '@/i18n';
import type {Role} from '@/app/session';
import type {texts} from './texts';

type PageName = TextKey<typeof texts.en>;
export type Section = 'watch' | 'act' | 'model' | 'operate';
export interface PageEntry {
    name: PageName;
    /// wouter's pattern; `?` marks a part that may be missing, `*?` all that follows.
    path: string;
    section: Section;
    icon: ComponentType<{size?: number; stroke?: number}>;
    role: Role;
    /// For who sees all regions and tenants only.
    whole?: boolean;
    /// In the phone's bar.
    phone?: boolean;
    /// Not in the navigation: reached from others.
    hidden?: boolean;
    page: LazyExoticComponent<ComponentType>;
}
type Load = () => Promise<{default: ComponentType}>;
function page(
    name: PageName, path: string, section: Section, icon: PageEntry['icon'], load: Load,
    more: Partial<Pick<PageEntry, 'role' | 'whole' | 'phone' | 'hidden'>> = {},
): PageEntry {
    return {name, path, section, icon, role: 'viewer', ...more, page: lazy(load)};
}

export const pages: PageEntry[] = [
    page('overview', '/', 'watch', IconLayoutDashboard, () => import('./overview'), {phone: true}),
    page('live', '/console/live', 'watch', IconActivity, () => import('./live'), {phone: true}),
    page('search', '/console/search', 'watch', IconSearch, () => import('./search')),
    page('lifecycle', '/console/lifecycle', 'watch', IconRoute, () => import('./lifecycle')),
    page('wall', '/console/wall', 'watch', IconDeviceTv, () => import('./wall')),
    page('alerts', '/console/alerts/:id?', 'act', IconAlertTriangle, () => import('./alerts'), {phone: true}),
    page('silences', '/console/silences', 'act', IconVolumeOff, () => import('./silences')),
    page('review', '/console/review/:id?', 'act', IconChecklist, () => import('./review'), {phone: true}),
    page('map', '/console/map/:workflow?', 'model', IconSitemap, () => import('./map')),
    page('workflows', '/console/workflows/*?', 'model', IconFileCode, () => import('./workflows')),
    page('system', '/console/system', 'operate', IconGauge, () => import('./system')),
    page('regions', '/console/regions', 'operate', IconWorld, () => import('./regions')),
    page('deadletters', '/console/deadletters/:seq?', 'operate', IconFileOff, () => import('./deadletters')),
    page('tenants', '/console/tenants', 'operate', IconKey, () => import('./tenants'), {role: 'admin'}),
    page('people', '/console/people', 'operate', IconUsers, () => import('./people'), {role: 'supervisor'}),
    page('audit', '/console/audit', 'operate', IconHistory, () => import('./audit'), {role: 'supervisor', whole: true}),
    page('config', '/console/config', 'operate', IconSettings, () => import('./config'), {role: 'admin', whole: true}),
];

/// A page's own address, without what may be missing.
export const addressOf = (entry: PageEntry): string => entry.path.replace(/\/:[^/]*\?|\/\*\??$/g, '');
export function pageAddress(name: PageName): string {
    const entry = pages.find((p) => p.name === name);
    return entry ? addressOf(entry) : '/';
}
