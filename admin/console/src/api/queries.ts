import {QueryClient} from '@tanstack/react-query';
import {ProblemError} from './client';

/// Worth another try by itself: nothing heard, or the appliance says that it is not there yet.
function passes(error: unknown): boolean {
    return error instanceof ProblemError && (error.status === 0 || error.status === 503 || error.status === 429);
}

export const queryClient = new QueryClient({
    defaultOptions: {
        queries: {
            staleTime: 2_000,
            gcTime: 5 * 60_000,
            retry: (failures, error) => passes(error) && failures < 3,
            retryDelay: (failures, error) =>
                error instanceof ProblemError && error.retryAfterSeconds !== undefined
                    ? error.retryAfterSeconds * 1000
                    : Math.min(500 * 2 ** failures, 8_000),
            refetchOnWindowFocus: true,
            networkMode: 'always',
        },
        mutations: {retry: false, networkMode: 'always'},
    },
});
