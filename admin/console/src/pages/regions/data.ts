import {useQuery} from '@tanstack/react-query';
import {api, type Schemas, unwrap} from '@/api/client';

export type Region = Schemas['Region'];

export function useRegions() {
    return useQuery({queryKey: ['regions'], queryFn: ({signal}) => unwrap(api.GET('/api/v1/regions', {signal})), refetchInterval: 5_000});
}
