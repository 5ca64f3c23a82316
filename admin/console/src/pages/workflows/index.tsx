// Workflows: the list, one of them, and the editor. The editor's heavy parts are loaded when it is opened.
import {lazy, Suspense} from 'react';
import {useLocation} from 'wouter';
import {Loading} from '@/parts/States';
import {Detail} from './Detail';
import {List} from './List';

const Editor = lazy(() => import('./edit/Editor'));

export default function WorkflowsPage() {
    const [location] = useLocation();
    const rest = location.replace(/^\/console\/workflows\/?/, '');
    if (!rest) return <List />;
    const editing = rest.endsWith('/edit');
    const name = decodeURIComponent(editing ? rest.slice(0, -'/edit'.length) : rest);
    if (!editing) return <Detail key={name} name={name} />;
    return (
        <Suspense fallback={<Loading rows={10} />}>
            <Editor key={name} name={name === 'new' ? '' : name} />
        </Suspense>
    );
}
