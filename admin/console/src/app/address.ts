// What a page shows is in the address bar: a reload, a link and the way back show the same.
import {useCallback, useMemo} from 'react';
import {useSearchParams} from 'wouter';

export type Address<Name extends string> = Partial<Record<Name, string>>;

/// The named parameters of the address; setting one to '' takes it out. `replace`: no step of its own for "back".
export function useAddress<Name extends string>(
    names: readonly Name[],
): [Address<Name>, (change: Address<Name>, replace?: boolean) => void] {
    const [params, setParams] = useSearchParams();
    const text = params.toString();
    const address = useMemo(() => {
        const given = new URLSearchParams(text);
        const found: Address<Name> = {};
        for (const name of names) {
            const value = given.get(name);
            if (value) found[name] = value;
        }
        return found;
    }, [text, names]);
    const set = useCallback(
        (change: Address<Name>, replace = false) =>
            setParams(
                (before) => {
                    const after = new URLSearchParams(before);
                    for (const [name, value] of Object.entries(change) as [string, string | undefined][])
                        if (value) after.set(name, value);
                        else after.delete(name);
                    return after;
                },
                {replace},
            ),
        [setParams],
    );
    return [address, set];
}
