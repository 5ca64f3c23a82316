// One clock for all that ticks. Its time is the appliance's, as far as the stream tells.
import {useEffect, useState} from 'react';
import {useLive} from '@/api/stream';

export const applianceNow = (): number => Date.now() + useLive.getState().aheadMs;

/// Renders again every `everyMs`, all at the same instants.
export function useNow(everyMs = 1_000): number {
    const [now, setNow] = useState(applianceNow);
    useEffect(() => {
        let timer: ReturnType<typeof setTimeout>;
        const tick = () => {
            setNow(applianceNow());
            timer = setTimeout(tick, everyMs - (Date.now() % everyMs));
        };
        timer = setTimeout(tick, everyMs - (Date.now() % everyMs));
        return () => clearTimeout(timer);
    }, [everyMs]);
    return now;
}
