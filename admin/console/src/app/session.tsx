// Who uses the console, and what they may.
import {useQuery, useQueryClient} from '@tanstack/react-query';
import {createContext, type ReactNode, useContext, useEffect, useState} from 'react';
import {create} from 'zustand';
import {api, ProblemError, type Schemas, unwrap, whenSignedOut} from '@/api/client';
import {loadPreferences} from './preferences';

export type Me = Schemas['Me'];
export type Role = Schemas['Role'];
const rank: Record<Role, number> = {viewer: 0, operator: 1, supervisor: 2, admin: 3};
export const reaches = (role: Role, needed: Role): boolean => rank[role] >= rank[needed];

/// How often somebody signed in since the page was opened: what a session's end has ended begins anew.
export const useSignIns = create<{times: number}>(() => ({times: 0}));

const SessionContext = createContext<Me | undefined>(undefined);

export function useMe(): Me {
    const me = useContext(SessionContext);
    if (!me) throw new Error('nobody has signed in here');
    return me;
}
export function useMay(needed: Role): boolean {
    return reaches(useMe().role, needed);
}
/// Whether one sees all regions and tenants; what is of more than one sees is not offered.
export function useSeesAll(): boolean {
    const me = useMe();
    return me.regions.length === 0 && me.tenants.length === 0;
}

export function fetchMe(signal?: AbortSignal): Promise<Me> {
    return unwrap(api.GET('/api/v1/session', signal ? {signal} : {}));
}

/// `signIn` is shown instead of the console before anybody is known; over it when a session ends, so that what was
/// typed is still there after signing in again.
export function SessionGate({children, signIn, wait}: {
    children: ReactNode;
    signIn: (again: boolean, done: () => void) => ReactNode;
    wait: (error: ProblemError | undefined) => ReactNode;
}) {
    const queries = useQueryClient();
    const [ended, setEnded] = useState(false);
    const me = useQuery({
        queryKey: ['session'],
        queryFn: ({signal}) => fetchMe(signal),
        retry: (_failures, error) => !(error instanceof ProblemError) || error.status === 503 || error.status === 0,
        retryDelay: 1_000,
        staleTime: 60_000,
        // A sign of life: who looks at the stream alone asks nothing else, and is there (docs/access.md: five minutes).
        refetchInterval: 240_000,
    });
    useEffect(() => whenSignedOut(() => setEnded(true)), []);
    const user = me.data;
    useEffect(() => {
        if (user) loadPreferences(user.kind === 'user' ? (user.preferences ?? {}) : undefined);
    }, [user?.name, user?.kind]); // not at each refetch: what was set meanwhile would be lost
    const done = () => {
        setEnded(false);
        useSignIns.setState(({times}) => ({times: times + 1}));
        void queries.invalidateQueries();
    };
    if (!user) {
        if (me.error instanceof ProblemError && me.error.status === 401) return signIn(false, done);
        return wait(me.failureReason instanceof ProblemError ? me.failureReason : undefined);
    }
    return (
        <SessionContext value={user}>
            {children}
            {ended && signIn(true, done)}
        </SessionContext>
    );
}
