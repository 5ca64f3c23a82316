// The frame that a graph is shown in: how large it is, and the graph fitted into it.
import {useElementSize} from '@mantine/hooks';
import {type FitViewOptions, useNodesInitialized, useReactFlow} from '@xyflow/react';
import {useEffect} from 'react';
import type {Size} from './layout';

const stepPixels = 100;
const rounded = (pixels: number) => Math.round(pixels / stepPixels) * stepPixels;

/// `size` is for the layout: another one where the frame is another one altogether, not for each pixel of it.
export function useFrame(): {ref: ReturnType<typeof useElementSize<HTMLDivElement>>['ref']; shown: boolean; size: Size} {
    const {ref, width, height} = useElementSize<HTMLDivElement>();
    return {ref, shown: width > 0, size: {width: rounded(width), height: rounded(height)}};
}

/// Inside a ReactFlow: shows all of it again when `shape` is another. `options`: always the same object.
export function Fit({shape, options}: {shape: string; options: FitViewOptions}) {
    const flow = useReactFlow();
    const ready = useNodesInitialized();
    useEffect(() => {
        if (ready) void flow.fitView(options);
    }, [ready, shape, flow, options]);
    return null;
}
