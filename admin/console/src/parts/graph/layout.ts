// Where the boxes of a graph go: from left to right, by dagre. Cycles are fine.
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

/// The upper left corner of each box. Boxes that no arrow touches stand in rows below the others.
export function layout(boxes: readonly Box[], arrows: readonly Arrow[]): Map<string, Place> {
    const touched = new Set(arrows.flatMap((arrow) => [arrow.from, arrow.to]));
    const graph = new graphlib.Graph({multigraph: true});
    graph.setGraph({rankdir: 'LR', nodesep: 28, ranksep: 56, marginx: 8, marginy: 8});
    graph.setDefaultEdgeLabel(() => ({}));
    for (const box of boxes) if (touched.has(box.id)) graph.setNode(box.id, {width: box.width, height: box.height});
    arrows.forEach((arrow, i) => {
        if (graph.hasNode(arrow.from) && graph.hasNode(arrow.to)) graph.setEdge(arrow.from, arrow.to, {}, String(i));
    });
    dagreLayout(graph);
    const places = new Map<string, Place>();
    let bottom = 0;
    for (const box of boxes) {
        if (!touched.has(box.id)) continue;
        const {x, y} = graph.node(box.id) as Place;
        places.set(box.id, {x: x - box.width / 2, y: y - box.height / 2});
        bottom = Math.max(bottom, y + box.height / 2);
    }
    let x = 8, y = bottom > 0 ? bottom + 40 : 8, highest = 0;
    for (const box of boxes) {
        if (touched.has(box.id)) continue;
        if (x > 1_200) {
            x = 8;
            y += highest + 28;
            highest = 0;
        }
        places.set(box.id, {x, y});
        x += box.width + 28;
        highest = Math.max(highest, box.height);
    }
    return places;
}
