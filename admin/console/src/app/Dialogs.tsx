// The palette, preferences, keys and notices: one at a time, and their code comes when the first is opened.
import {lazy, Suspense} from 'react';
import {create} from 'zustand';

export type DialogName = 'palette' | 'preferences' | 'shortcuts' | 'notices';
const useDialog = create<{open: DialogName | undefined}>(() => ({open: undefined}));

export function openDialog(name: DialogName): void {
    useDialog.setState({open: name});
}
const close = () => useDialog.setState({open: undefined});

const parts = {
    palette: lazy(() => import('./dialogs/Palette')),
    preferences: lazy(() => import('./dialogs/PreferencesDialog')),
    shortcuts: lazy(() => import('./dialogs/ShortcutsDialog')),
    notices: lazy(() => import('./dialogs/NoticesDrawer')),
};

export function Dialogs() {
    const open = useDialog((d) => d.open);
    if (!open) return null;
    const Part = parts[open];
    return (
        <Suspense fallback={null}>
            <Part onClose={close} />
        </Suspense>
    );
}
