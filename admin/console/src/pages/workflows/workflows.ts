// Workflows, their versions and documents: asked for, checked, published.
import {useQuery} from '@tanstack/react-query';
import {api, type Schemas, unwrap} from '@/api/client';
import type {Level} from '@/parts/Badge';

export type Summary = Schemas['WorkflowSummary'];
export type Workflow = Schemas['Workflow'];
export type Version = Schemas['WorkflowVersion'];
export type Fault = Schemas['DocumentFault'];
export type VersionAction = 'activate' | 'shadow' | 'retire' | 'discard';

export const healthLevels: Record<Schemas['Health'], Level> = {green: 'ok', amber: 'warn', red: 'bad'};
export const stateLevels: Record<Version['state'], Level> = {
    draft: 'none', validated: 'info', shadow: 'info', active: 'ok', draining: 'warn', retired: 'none', discarded: 'none',
};
/// As the server allows it.
export const actionsOf: Record<Version['state'], VersionAction[]> = {
    draft: ['activate', 'shadow', 'discard'],
    validated: ['activate', 'shadow', 'discard'],
    shadow: ['activate', 'retire'],
    active: ['retire'],
    draining: ['activate', 'retire'],
    retired: ['activate', 'shadow'],
    discarded: [],
};

export const workflowsQuery = {
    queryKey: ['workflows'],
    queryFn: ({signal}: {signal: AbortSignal}) => unwrap(api.GET('/api/v1/workflows', {signal})),
};
export function useWorkflow(name: string, everyMs = 3_000) {
    return useQuery({
        queryKey: ['workflows', name],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/workflows/{name}', {signal, params: {path: {name}}})),
        refetchInterval: everyMs,
        enabled: name !== '',
    });
}
export function useVersions(name: string) {
    return useQuery({
        queryKey: ['workflows', name, 'versions'],
        queryFn: ({signal}) => unwrap(api.GET('/api/v1/workflows/{name}/versions', {signal, params: {path: {name}}})),
        refetchInterval: 10_000,
        enabled: name !== '',
    });
}
export const fetchVersion = (name: string, version: number, signal?: AbortSignal): Promise<Version> =>
    unwrap(api.GET('/api/v1/workflows/{name}/versions/{version}', {params: {path: {name, version}}, ...(signal ? {signal} : {})}));

/// A document goes as it was typed: its order of members and its spaces are the author's.
const asTyped = (text: string) => ({body: text as never, bodySerializer: (body: unknown) => body as string});
export const check = (text: string, signal?: AbortSignal) => unwrap(api.POST('/api/v1/workflow-check', {...asTyped(text), ...(signal ? {signal} : {})}));
export const publish = (text: string, state: 'draft' | 'shadow' | 'active', note: string, migrate: boolean) =>
    unwrap(api.POST('/api/v1/workflows', {...asTyped(text), params: {query: {state, ...(note ? {note} : {}), migrate: migrate ? 'true' : 'false'}}}));
