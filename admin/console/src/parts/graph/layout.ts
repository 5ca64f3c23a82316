// Where the boxes of a graph go, and its arrows between them, by dagre: from left to right, or from above to below
// where it is seen larger so. Cycles are fine.
import {graphlib, layout as dagreLayout} from '@dagrejs/dagre';

export interface Box {
    id: string;
    width: number;
    height: number;
}
export interface Arrow {
    from: string;
    to: string;
}
export interface Place {
    x: number;
    y: number;
}
export interface Size {
    width: number;
    height: number;
}
export interface Layout {
    /// The upper left corner of each box.
    places: Map<string, Place>;
    /// What an arrow goes through between its ends, in the order of the arrows: clear of the boxes.
    routes: Place[][];
    down: boolean;
    size: Size;
}

const gap = 28, isolatedGap = 40, margin = 8;
/// Beyond this, two tries take longer than a person waits.
const triesMax = 400;

function arrange(boxes: readonly Box[], arrows: readonly Arrow[], down: boolean, rowWidth: number): Layout {
    const touched = new Set(arrows.flatMap((arrow) => [arrow.from, arrow.to]));
    const graph = new graphlib.Graph({multigraph: true});
    graph.setGraph({rankdir: down ? 'TB' : 'LR', nodesep: gap, ranksep: down ? 44 : 56, marginx: margin, marginy: margin});
    graph.setDefaultEdgeLabel(() => ({}));
    for (const box of boxes) if (touched.has(box.id)) graph.setNode(box.id, {width: box.width, height: box.height});
    arrows.forEach((arrow, i) => {
        if (graph.hasNode(arrow.from) && graph.hasNode(arrow.to)) graph.setEdge(arrow.from, arrow.to, {}, String(i));
    });
    dagreLayout(graph);
    const places = new Map<string, Place>();
    let right = 0, bottom = 0;
    const put = (box: Box, place: Place) => {
        places.set(box.id, place);
        right = Math.max(right, place.x + box.width);
        bottom = Math.max(bottom, place.y + box.height);
    };
    for (const box of boxes) {
        if (!touched.has(box.id)) continue;
        const {x, y} = graph.node(box.id) as Place;
        put(box, {x: x - box.width / 2, y: y - box.height / 2});
    }
    // Boxes that no arrow touches stand in rows below the others.
    const rowEnd = Math.max(right, rowWidth);
    let x = margin, y = bottom > 0 ? bottom + isolatedGap : margin;
    for (const box of boxes) {
        if (touched.has(box.id)) continue;
        if (x > margin && x + box.width > rowEnd) {
            x = margin;
            y = bottom + gap;
        }
        put(box, {x, y});
        x += box.width + gap;
    }
    const routes = arrows.map((arrow, i) => {
        const points = (graph.hasEdge(arrow.from, arrow.to, String(i)) ? (graph.edge(arrow.from, arrow.to, String(i)) as {points: Place[]}).points : []);
        return points.length > 3 ? points.slice(1, -1) : [];
    });
    return {places, routes, down, size: {width: right, height: bottom}};
}

/// `frame`: what it is shown in.
export function layout(boxes: readonly Box[], arrows: readonly Arrow[], frame: Size): Layout {
    const zoom = ({size}: Layout) => Math.min(1, frame.width / Math.max(1, size.width), frame.height / Math.max(1, size.height));
    const across = arrange(boxes, arrows, false, Math.min(1_200, frame.width));
    if (zoom(across) >= 0.9 || boxes.length > triesMax) return across;
    const down = arrange(boxes, arrows, true, Math.min(1_200, frame.width));
    return zoom(down) > zoom(across) * 1.15 ? down : across;
}

/// A curve from end to end that leaves and enters the boxes straight; with it, where its label goes.
export function curve(from: Place, to: Place, through: readonly Place[], down: boolean): [path: string, label: Place] {
    const points = [from, ...through, to];
    let path = `M${from.x} ${from.y}`;
    for (let i = 1; i < points.length; i++) {
        const a = points[i - 1]!, b = points[i]!;
        const x = (a.x + b.x) / 2, y = (a.y + b.y) / 2;
        path += down ? `C${a.x} ${y} ${b.x} ${y} ${b.x} ${b.y}` : `C${x} ${a.y} ${x} ${b.y} ${b.x} ${b.y}`;
    }
    const middle = Math.floor((points.length - 1) / 2);
    const a = points[middle]!, b = points[middle + 1] ?? a;
    return [path, points.length % 2 === 1 ? a : {x: (a.x + b.x) / 2, y: (a.y + b.y) / 2}];
}
