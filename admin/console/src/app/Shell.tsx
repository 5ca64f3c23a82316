// Navigation, the state of the connection, the palette and the page.
import {Suspense, useEffect, useMemo, useState} from 'react';
import {Route, Switch, useLocation} from 'wouter';
import {queryClient} from '@/api/queries';
import {type Feed, LiveStream, PolledStatus, useLive} from '@/api/stream';
import {asksByKey} from '@/api/client';
import {useTexts} from '@/i18n';
import {PageBoundary} from '@/parts/Boundary';
import {Loading} from '@/parts/States';
import {addressOf, type PageEntry, pages} from '@/pages/registry';
import {Missing} from '@/pages/Missing';
import {texts as pageTexts} from '@/pages/texts';
import {Dialogs, openDialog} from './Dialogs';
import {LinkBanner} from './LinkBanner';
import {Navigation, PhoneBar} from './Navigation';
import {setPreference, usePreferences} from './preferences';
import {reaches, useMe, useSeesAll, useSignIns} from './session';
import css from './Shell.module.css';
import {defineAction, listenForShortcuts, useShortcut} from './shortcuts';
import {texts} from './texts';
import {TopBar} from './TopBar';
import {watchStream} from './watch';

defineAction('app.palette', 'mod+k', texts, 'palette');
defineAction('app.help', '?', texts, 'help');
defineAction('app.theme', 'alt+t', texts, 'toggle_theme');
const goKeys: Record<string, string> = {overview: 'g o', live: 'g l', search: 'g s', alerts: 'g a', review: 'g r', map: 'g m', workflows: 'g w', system: 'g y'};
for (const entry of pages)
    if (goKeys[entry.name]) defineAction(`go.${entry.name}`, goKeys[entry.name]!, pageTexts, entry.name);

function GoKey({entry}: {entry: PageEntry}) {
    const [, go] = useLocation();
    useShortcut(`go.${entry.name}`, () => go(addressOf(entry)));
    return null;
}

export function useOfferedPages(): PageEntry[] {
    const me = useMe();
    const seesAll = useSeesAll();
    return useMemo(() => pages.filter((p) => reaches(me.role, p.role) && (!p.whole || seesAll)), [me.role, seesAll]);
}

export function Shell() {
    const t = useTexts(texts);
    const me = useMe();
    const offered = useOfferedPages();
    const [location] = useLocation();
    const [newBuild, setNewBuild] = useState(false);
    const narrow = usePreferences((p) => p.narrow);
    const signIns = useSignIns((s) => s.times);

    useEffect(() => {
        // Nobody sits before a wallboard who would load it again.
        const onNewBuild = () => (window.location.pathname === '/console/wall' ? window.location.reload() : setNewBuild(true));
        const stream: Feed = asksByKey()
            ? new PolledStatus(onNewBuild)
            : new LiveStream(() => void queryClient.invalidateQueries({queryKey: ['session']}), onNewBuild);
        stream.start();
        const stops = [() => stream.stop(), watchStream(), listenForShortcuts()];
        tryNow.current = () => stream.tryNow();
        return () => stops.forEach((stop) => stop());
    }, [me.name, signIns]);

    useShortcut('app.palette', () => openDialog('palette'));
    useShortcut('app.help', () => openDialog('shortcuts'));
    useShortcut('app.theme', () => setPreference('theme', document.documentElement.dataset.mantineColorScheme === 'dark' ? 'light' : 'dark'));

    const wall = location.startsWith('/console/wall');
    const stale = useLive((live) => live.link === 'late' || live.link === 'lost' || live.link === 'ended');
    const page = (
        <PageBoundary place={location}>
            <Suspense fallback={<Loading />}>
                <Switch>
                    {offered.map((entry) => (
                        <Route key={entry.name} path={entry.path} component={entry.page} />
                    ))}
                    <Route component={Missing} />
                </Switch>
            </Suspense>
        </PageBoundary>
    );
    if (wall) return <main id="main" data-stale={stale || undefined}>{page}</main>;
    return (
        <div className={css.shell} data-narrow={narrow || undefined}>
            <a className={css.skip} href="#main">{t('skip')}</a>
            {offered.filter((e) => goKeys[e.name]).map((entry) => <GoKey key={entry.name} entry={entry} />)}
            <Navigation pages={offered} />
            <div className={css.column}>
                <TopBar />
                <LinkBanner newBuild={newBuild} tryNow={() => tryNow.current()} />
                <main id="main" tabIndex={-1} className={css.main} data-stale={stale || undefined}>{page}</main>
            </div>
            <PhoneBar pages={offered} />
            <Dialogs />
        </div>
    );
}
const tryNow = {current: () => {}};
