// The API as schemas/openapi.yaml has it. Commands carry an Idempotency-Key, so that one that is sent again after a
// lost answer is done once; what is refused is thrown as a ProblemError.
import createClient, {type Middleware} from 'openapi-fetch';
import type {components, paths} from '#api';

export type Schemas = components['schemas'];
export type Problem = Schemas['Problem'] & {[more: string]: unknown};

export class ProblemError extends Error {
    /// `problem` undefined: nothing was heard from the appliance.
    constructor(
        readonly problem: Problem | undefined,
        readonly retryAfterSeconds?: number,
    ) {
        super(problem?.detail || problem?.title || 'unreachable');
        this.name = 'ProblemError';
    }
    get status(): number {
        return this.problem?.status ?? 0;
    }
    /// The stable end of the problem's type: "alert-changed".
    get slug(): string {
        return this.problem ? this.problem.type.replace('urn:penstock:problem:', '') : 'unreachable';
    }
}

/// Also where the page is not served over TLS, and there is no crypto.randomUUID.
export function newKey(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

let apiKey = '';
/// Of a wallboard's link (`#key=…`, which no server sees in the address): it asks with a key in place of a session.
export function takeKeyOfAddress(hash: string): void {
    apiKey = new URLSearchParams(hash.replace(/^#/, '')).get('key') ?? '';
}
export const asksByKey = (): boolean => apiKey !== '';

const onSignedOut = new Set<() => void>();
/// Called when the appliance does not know any more who asks.
export function whenSignedOut(listener: () => void): () => void {
    onSignedOut.add(listener);
    return () => onSignedOut.delete(listener);
}

const headers: Middleware = {
    onRequest({request}) {
        if (apiKey) request.headers.set('X-API-Key', apiKey);
        if (request.method !== 'GET' && !request.headers.has('Idempotency-Key'))
            request.headers.set('Idempotency-Key', newKey());
        // The appliance takes changes as JSON only, which no form of another site sends.
        if (request.method !== 'GET' && request.method !== 'DELETE') request.headers.set('Content-Type', 'application/json');
        return request;
    },
};

export const api = createClient<paths>({baseUrl: location.origin, fetch: (request) => globalThis.fetch(request)});
api.use(headers);

async function problemOf(response: Response, body: unknown): Promise<ProblemError> {
    const retry = Number(response.headers.get('Retry-After') ?? NaN);
    const given = body as Partial<Problem> | undefined;
    const problem: Problem = {
        title: response.statusText,
        detail: '',
        ...(typeof given === 'object' ? given : {}),
        type: typeof given?.type === 'string' ? given.type : `urn:penstock:problem:http-${response.status}`,
        status: response.status,
    };
    if (response.status === 401 && problem.type.endsWith(':sign-in')) onSignedOut.forEach((listener) => listener());
    return new ProblemError(problem, Number.isFinite(retry) ? retry : undefined);
}

interface Answered<T> {
    data?: T;
    error?: unknown;
    response: Response;
}

/// The answer's body, or a ProblemError.
export async function unwrap<T>(asked: Promise<Answered<T>>): Promise<T> {
    let answered: Answered<T>;
    try {
        answered = await asked;
    } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') throw error;
        throw new ProblemError(undefined);
    }
    if (!answered.response.ok) throw await problemOf(answered.response, answered.error);
    return answered.data as T;
}

/// The page behind an address that a list gave as its `next`.
export async function getAddress<T>(address: string, signal?: AbortSignal): Promise<T> {
    let response: Response;
    try {
        response = await fetch(address, {signal: signal ?? null, headers: apiKey ? {'X-API-Key': apiKey} : {}});
    } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') throw error;
        throw new ProblemError(undefined);
    }
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw await problemOf(response, body);
    return body as T;
}
