// What somebody types into a field for date and time is of their zone, whatever the browser's is.

const parts = (zone: string) => new Intl.DateTimeFormat('en-CA', {timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit'});

/// "2026-03-09T08:00" as the clocks of the zone show an instant.
export function localOf(instant: Date, zone: string): string {
    const p = Object.fromEntries(parts(zone).formatToParts(instant).map(({type, value}) => [type, value]));
    return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`;
}

/// The instant of "2026-03-09T08:00" there; of one that comes twice the first, of one that does not exist the one
/// that is as long after the gap's begin.
export function instantOf(local: string, zone: string): Date | undefined {
    const wall = Date.parse(`${local}Z`);
    if (!Number.isFinite(wall)) return undefined;
    const offsetAt = (instant: number) => Date.parse(`${localOf(new Date(instant), zone)}Z`) - Math.floor(instant / 60_000) * 60_000;
    const offsets = [offsetAt(wall - 86_400_000), offsetAt(wall + 86_400_000)];
    const candidates = offsets.map((offset) => wall - offset).filter((instant) => offsetAt(instant) === wall - instant);
    return new Date(candidates.length > 0 ? Math.min(...candidates) : wall - offsets[0]!);
}
