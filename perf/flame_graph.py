#!/usr/bin/env python3
"""Draws where time goes as an SVG, from what `perf script` prints on stdin: threads at the bottom, callees above
their callers, as wide as their share of all samples. Each box has its name and share as a tooltip.
usage: perf script -F comm,ip,sym | flame_graph.py TITLE >image.svg"""
import re
import sys
from html import escape

WIDTH, ROW, MARGIN, TEXT = 1400, 17, 10, 6.6  # pixels; of a letter, about
LEAST = 0.0015  # share of a box that is drawn
SCAFFOLD = re.compile(r"\[unknown\]|std::thread::|__libc_start|CLI::App::|cli::add_|0x")
THREADS = {"penstock": "main (checkpoints, retention)"}


class Frame:
    def __init__(self):
        self.samples, self.callees = 0, {}

    def add(self, names):
        self.samples += 1
        at = self
        for name in names:
            at = at.callees.setdefault(name, Frame())
            at.samples += 1

    def depth(self, least):
        return 1 + max((c.depth(least) for c in self.callees.values() if c.samples >= least), default=0)


def short(symbol):
    """Without arguments, templates and what the compiler added: what a reader looks for."""
    symbol = re.sub(r"\+0x[0-9a-f]+$", "", symbol)
    symbol = re.sub(r"^__GI_+", "", symbol)
    symbol = re.sub(r"\[clone [^]]*\]|\.(isra|constprop|part|cold)\.?\d*|_noprof", "", symbol)
    symbol = symbol.replace("(anonymous namespace)::", "")
    while (bare := re.sub(r"<[^<>]*>|\([^()]*\)", "", symbol)) != symbol:
        symbol = bare
    return symbol.replace("penstock::", "").strip() or "[unknown]"


def read(lines):
    root, comm, stack = Frame(), None, []

    def end():
        if comm is not None:
            names = [THREADS.get(comm, comm)]
            for name in reversed(stack):
                if not SCAFFOLD.match(name) and name != names[-1]:  # recursion is one box
                    names.append(name)
            root.add(names)

    for line in lines:
        if not line.strip():
            end()
            comm, stack = None, []
        elif not line[0].isspace():
            comm = line.strip()
        elif comm is None:
            comm = line.strip()
        else:
            stack.append(short(line.strip().split(" ", 1)[-1]))
    end()
    return root


def colour(name, depth):
    if depth == 1:
        return "#5b7a99"
    kernel = re.match(r"[A-Za-z_0-9]+$", name)
    shade = sum(map(ord, name)) % 24
    return f"rgb({170 + shade},{178 + shade},{190 + shade})" if kernel else f"rgb({222 + shade},{150 + shade * 2},{70 + shade})"


def draw(root, title):
    least = max(1, root.samples * LEAST)
    height = (root.depth(least) + 1) * ROW + 3 * MARGIN + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{MARGIN}" y="{MARGIN + 12}" font-size="14">{escape(title)}</text>',
    ]

    def box(name, frame, x, depth):
        width = frame.samples / root.samples * (WIDTH - 2 * MARGIN)
        y = height - MARGIN - (depth + 1) * ROW
        share = f"{100 * frame.samples / root.samples:.1f}%"
        out.append(
            f'<g><title>{escape(name)} {share}</title>'
            f'<rect x="{x:.1f}" y="{y}" width="{max(width - 0.5, 0.5):.1f}" height="{ROW - 1}" fill="{colour(name, depth)}"/>'
        )
        label = f"{name} {share}" if (len(name) + 6) * TEXT < width else name
        room = int((width - 4) / TEXT)
        if room >= 3:
            label = label if len(label) <= room else label[: room - 1] + "…"
            out.append(f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(label)}</text>')
        out.append("</g>")
        for callee, below in sorted(frame.callees.items(), key=lambda item: -item[1].samples):
            if below.samples >= least:
                box(callee, below, x, depth + 1)
                x += below.samples / root.samples * (WIDTH - 2 * MARGIN)

    box("all", root, MARGIN, 0)
    return "\n".join(out + ["</svg>"])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    root = read(sys.stdin)
    if root.samples == 0:
        sys.exit("flame_graph.py: no samples on stdin; is it what `perf script -F comm,ip,sym` prints?")
    print(draw(root, sys.argv[1]))


if __name__ == "__main__":
    main()
