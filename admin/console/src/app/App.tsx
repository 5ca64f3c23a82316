import {MantineProvider, type MantineColorSchemeManager} from '@mantine/core';
import {Notifications} from '@mantine/notifications';
import {QueryClientProvider} from '@tanstack/react-query';
import {useEffect, useReducer} from 'react';
import {queryClient} from '@/api/queries';
import {nonce} from './nonce';
import {usePreferences} from './preferences';
import {SessionGate} from './session';
import {Shell} from './Shell';
import {SignIn} from './SignIn';
import {cssVariables, theme} from './theme';
import {Waiting} from './Waiting';

/// The scheme is a preference like the others; Mantine is told by forceColorScheme.
const noManager: MantineColorSchemeManager = {
    get: (otherwise) => otherwise,
    set: () => {},
    subscribe: () => {},
    unsubscribe: () => {},
    clear: () => {},
};

function useScheme(): 'light' | 'dark' {
    const wanted = usePreferences((p) => p.theme);
    const dark = useMedia('(prefers-color-scheme: dark)');
    const wall = window.location.pathname === '/console/wall';
    return wanted === 'auto' ? (dark || wall ? 'dark' : 'light') : wanted;
}
function useMedia(query: string): boolean {
    const media = window.matchMedia(query);
    const [, again] = useReducer((n: number) => n + 1, 0);
    useEffect(() => {
        media.addEventListener('change', again);
        return () => media.removeEventListener('change', again);
    }, [query]);
    return media.matches;
}

export function App() {
    const scheme = useScheme();
    const high = usePreferences((p) => p.contrast === 'high');
    const roomy = usePreferences((p) => p.density === 'roomy');
    const moreContrast = useMedia('(prefers-contrast: more)');
    useEffect(() => {
        document.documentElement.dataset.contrast = high || moreContrast ? 'high' : 'normal';
        document.documentElement.dataset.density = roomy ? 'roomy' : 'dense';
    }, [high, roomy, moreContrast]);
    return (
        <MantineProvider
            theme={theme}
            forceColorScheme={scheme}
            cssVariablesResolver={cssVariables}
            colorSchemeManager={noManager}
            getStyleNonce={() => nonce}
        >
            <QueryClientProvider client={queryClient}>
                <Notifications position="bottom-right" limit={4} />
                <SessionGate
                    signIn={(again, done) => <SignIn again={again} done={done} />}
                    wait={(error) => <Waiting error={error} />}
                >
                    <Shell />
                </SessionGate>
            </QueryClientProvider>
        </MantineProvider>
    );
}
