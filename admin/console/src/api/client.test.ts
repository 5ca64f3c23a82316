import {afterEach, describe, expect, it, vi} from 'vitest';
import {api, newKey, ProblemError, unwrap, whenSignedOut} from './client';

afterEach(() => vi.restoreAllMocks());
const answers = (body: unknown, status: number, headers: Record<string, string> = {}) =>
    vi.spyOn(globalThis, 'fetch').mockImplementation(async () =>
        new Response(JSON.stringify(body), {status, headers: {'Content-Type': 'application/problem+json', ...headers}}));
const problem = (slug: string, status: number) => ({type: `urn:penstock:problem:${slug}`, title: 'T', status, detail: 'D'});
const thrown = async (asked: Promise<unknown>) => (await asked.catch((error: unknown) => error)) as ProblemError;

describe('the client', () => {
    it('throws what the appliance refuses as a problem', async () => {
        answers(problem('alert-changed', 409), 409);
        const error = await thrown(unwrap(api.GET('/api/v1/session')));
        expect(error).toBeInstanceOf(ProblemError);
        expect([error.slug, error.status, error.message]).toEqual(['alert-changed', 409, 'D']);
    });
    it('keeps how long to wait', async () => {
        answers(problem('busy', 503), 503, {'Retry-After': '7'});
        expect((await thrown(unwrap(api.GET('/api/v1/session')))).retryAfterSeconds).toBe(7);
    });
    it('tells an answer that is no problem document as one', async () => {
        answers('gateway', 502);
        expect((await thrown(unwrap(api.GET('/api/v1/session')))).slug).toBe('http-502');
    });
    it('says when nothing was heard', async () => {
        vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('failed'));
        const error = await thrown(unwrap(api.GET('/api/v1/session')));
        expect([error.slug, error.status]).toEqual(['unreachable', 0]);
    });
    it('tells that the session is over, and only then', async () => {
        const told = vi.fn();
        const stop = whenSignedOut(told);
        answers(problem('sign-in-refused', 401), 401);
        await thrown(unwrap(api.POST('/api/v1/session', {body: {}})));
        expect(told).not.toHaveBeenCalled();
        answers(problem('sign-in', 401), 401);
        await thrown(unwrap(api.GET('/api/v1/session')));
        expect(told).toHaveBeenCalledOnce();
        stop();
    });
    it('gives each command a key, and reading none', async () => {
        const fetched = answers({}, 200);
        await unwrap(api.POST('/api/v1/session', {body: {}}));
        await unwrap(api.GET('/api/v1/session'));
        const keys = fetched.mock.calls.map(([request]) => (request as Request).headers.get('Idempotency-Key'));
        expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
        expect(keys[1]).toBeNull();
        expect(newKey()).not.toBe(newKey());
    });
});
