// The side bar; on phones a bar below, with the rest in a sheet.
import {Drawer, Tooltip, UnstyledButton} from '@mantine/core';
import {IconDots, IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand} from '@tabler/icons-react';
import {useState} from 'react';
import {Link, useLocation} from 'wouter';
import {useLive} from '@/api/stream';
import {useTexts} from '@/i18n';
import {short} from '@/parts/format';
import {addressOf, type PageEntry, type Section} from '@/pages/registry';
import {texts as pageTexts} from '@/pages/texts';
import {Mark} from './Mark';
import css from './Navigation.module.css';
import {setPreference, usePreferences} from './preferences';
import {texts} from './texts';

const sections: Section[] = ['watch', 'act', 'model', 'operate'];

function useIsAt(): (entry: PageEntry) => boolean {
    const [location] = useLocation();
    return (entry) => {
        const address = addressOf(entry);
        return address === '/' ? location === '/' : location === address || location.startsWith(`${address}/`);
    };
}

/// How many wait behind a page.
function useCountOf(entry: PageEntry): number {
    return useLive((live) => {
        if (entry.name === 'alerts') return live.status?.alerts?.firing ?? 0;
        if (entry.name === 'regions') return live.status?.regions.filter((r) => r.breaker === 'open').length ?? 0;
        return 0;
    });
}

function Item({entry, current, narrow, onGo}: {entry: PageEntry; current: boolean; narrow?: boolean; onGo?: () => void}) {
    const t = useTexts(pageTexts);
    const waiting = useCountOf(entry);
    const Icon = entry.icon;
    const link = (
        <Link href={addressOf(entry)} className={css.item} aria-current={current ? 'page' : undefined} onClick={onGo}>
            <Icon size={18} stroke={1.7} />
            <span className={narrow ? 'unseen' : css.label}>{t(entry.name)}</span>
            {waiting > 0 && <span className={css.count}>{short(waiting)}</span>}
        </Link>
    );
    return narrow ? <Tooltip label={t(entry.name)} position="right">{link}</Tooltip> : link;
}

export function Navigation({pages}: {pages: PageEntry[]}) {
    const t = useTexts(texts);
    const names = useTexts(pageTexts);
    const isAt = useIsAt();
    const narrow = usePreferences((p) => p.narrow);
    const Fold = narrow ? IconLayoutSidebarLeftExpand : IconLayoutSidebarLeftCollapse;
    return (
        <nav className={css.side} data-narrow={narrow || undefined} aria-label={t('navigation')}>
            <Link href="/" className={css.brand}><Mark /> {!narrow && <span>Penstock</span>}</Link>
            <div className={css.sections}>
                {sections.map((section) => {
                    const own = pages.filter((p) => p.section === section && !p.hidden);
                    return own.length === 0 ? null : (
                        <div key={section} className={css.section}>
                            {narrow ? <hr className={css.rule} /> : <h2>{names(section)}</h2>}
                            <ul>{own.map((entry) => <li key={entry.name}><Item entry={entry} current={isAt(entry)} narrow={narrow} /></li>)}</ul>
                        </div>
                    );
                })}
            </div>
            <UnstyledButton className={css.fold} onClick={() => setPreference('narrow', !narrow)} aria-label={narrow ? t('unfold') : t('fold')}>
                <Fold size={18} stroke={1.6} />
            </UnstyledButton>
        </nav>
    );
}

export function PhoneBar({pages}: {pages: PageEntry[]}) {
    const t = useTexts(texts);
    const names = useTexts(pageTexts);
    const isAt = useIsAt();
    const [open, setOpen] = useState(false);
    const bar = pages.filter((p) => p.phone).slice(0, 4);
    return (
        <nav className={css.phone} aria-label={t('navigation')}>
            {bar.map((entry) => <Item key={entry.name} entry={entry} current={isAt(entry)} />)}
            <UnstyledButton className={css.item} onClick={() => setOpen(true)} aria-haspopup="dialog">
                <IconDots size={18} stroke={1.7} /> <span className={css.label}>{t('more')}</span>
            </UnstyledButton>
            <Drawer opened={open} onClose={() => setOpen(false)} position="bottom" size="auto" title={t('navigation')} closeButtonProps={{'aria-label': t('more')}}>
                {sections.map((section) => {
                    const own = pages.filter((p) => p.section === section && !p.hidden);
                    return own.length === 0 ? null : (
                        <div key={section} className={css.section}>
                            <h2>{names(section)}</h2>
                            <div className={css.sheet}>{own.map((entry) => <Item key={entry.name} entry={entry} current={isAt(entry)} onGo={() => setOpen(false)} />)}</div>
                        </div>
                    );
                })}
            </Drawer>
        </nav>
    );
}
