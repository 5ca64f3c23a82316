// Lines of a difference without what is far from any change.
export interface Line {
    op: 'same' | 'added' | 'removed';
    text: string;
}
export type Part = Line | {hidden: number};
const around = 3;

export function folded(lines: readonly Line[]): Part[] {
    const near = new Set<number>();
    lines.forEach((line, at) => {
        if (line.op !== 'same') for (let i = at - around; i <= at + around; ++i) near.add(i);
    });
    const parts: Part[] = [];
    lines.forEach((line, at) => {
        const last = parts[parts.length - 1];
        if (near.has(at)) parts.push(line);
        else if (last && 'hidden' in last) last.hidden += 1;
        else parts.push({hidden: 1});
    });
    return parts;
}
