/// Penstock's sign: water under pressure, turned.
export function Mark({size = 24}: {size?: number}) {
    return (
        <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
            <rect width="32" height="32" rx="8" fill="var(--accent)" />
            <path d="M7 10h10a5 5 0 0 1 5 5v7M7 16h8a2 2 0 0 1 2 2v4" fill="none" stroke="var(--on-accent)" strokeWidth="3" strokeLinecap="round" />
        </svg>
    );
}
