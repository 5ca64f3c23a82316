// The graph of a document: stages and edges to choose, join and remove. Arranged by itself, anew when it changes.
import {Background, Controls, type Edge as FlowEdge, Handle, MarkerType, type Node, type NodeProps, Position, ReactFlow, ReactFlowProvider, useNodesInitialized, useReactFlow} from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import {IconCircleCheck, IconCircleX} from '@tabler/icons-react';
import {memo, useEffect, useMemo} from 'react';
import {useTexts} from '@/i18n';
import {graphLabels} from '@/parts/graph/labels';
import {layout} from '@/parts/graph/layout';
import '@/parts/graph/flow.css';
import {type Document, edgeName, edgesOf, type Stage, stagesOf, withinOf} from './document';
import css from './edit.module.css';
import {texts} from '../texts';

export type Chosen = {kind: 'stage'; name: string} | {kind: 'edge'; at: number};
type StageNode = Node<{stage: Stage}, 'stage'>;
const width = 172, height = 54;

const StageBox = memo(function StageBox({data: {stage}, selected}: NodeProps<StageNode>) {
    return (
        <div className={css.stage} data-chosen={selected || undefined} data-optional={stage.optional || undefined} data-given>
            <Handle type="target" position={Position.Left} />
            <strong>{stage.terminal === 'success' && <IconCircleCheck size={13} aria-hidden />}{stage.terminal === 'failure' && <IconCircleX size={13} aria-hidden />} {stage.name}</strong>
            {stage.type && stage.type !== stage.name && <small>{stage.type}{stage.when ? ` · ${stage.when}` : ''}</small>}
            <Handle type="source" position={Position.Right} />
        </div>
    );
});
const nodeTypes = {stage: StageBox};

/// Shows all of it again when a stage came or went.
function Fit({count}: {count: number}) {
    const flow = useReactFlow();
    const ready = useNodesInitialized();
    useEffect(() => {
        if (ready) void flow.fitView({padding: 0.15, maxZoom: 1.1});
    }, [ready, count, flow]);
    return null;
}

export default function GraphEditor({document, chosen, onChoose, onJoin, onRemove, readOnly}: {
    document: Document;
    chosen: Chosen | undefined;
    onChoose: (chosen: Chosen | undefined) => void;
    onJoin: (from: string, to: string) => void;
    onRemove: (chosen: Chosen) => void;
    readOnly: boolean;
}) {
    const t = useTexts(texts);
    const stages = stagesOf(document);
    const edges = edgesOf(document);
    const shape = JSON.stringify([stages.map((s) => s.name), edges.map(({edge}) => [edge.from, edge.to])]);
    const places = useMemo(
        () => layout(stages.map((s) => ({id: s.name, width, height})), edges.map(({edge}) => edge)),
        // eslint-disable-next-line react-hooks/exhaustive-deps -- its shape is all that it depends on
        [shape],
    );
    const nodes: StageNode[] = stages.map((stage) => ({
        id: stage.name, type: 'stage', position: places.get(stage.name) ?? {x: 0, y: 0}, data: {stage}, width, height, measured: {width, height},
        selected: chosen?.kind === 'stage' && chosen.name === stage.name, ariaLabel: `${t('stage')} ${stage.name}`,
    }));
    const known = new Set(stages.map((s) => s.name));
    const arrows: FlowEdge[] = edges.filter(({edge}) => known.has(edge.from) && known.has(edge.to)).map(({edge, at}) => ({
        id: String(at), source: edge.from, target: edge.to, label: withinOf(edge), markerEnd: {type: MarkerType.ArrowClosed}, ariaLabel: `${t('edge')} ${edgeName(edge)}`,
        selected: chosen?.kind === 'edge' && chosen.at === at,
    }));
    return (
        <ReactFlowProvider>
            <ReactFlow
                nodes={nodes} edges={arrows} nodeTypes={nodeTypes} nodesDraggable={false} nodesConnectable={!readOnly} ariaLabelConfig={graphLabels()} deleteKeyCode={readOnly ? null : ['Delete', 'Backspace']}
                minZoom={0.15} maxZoom={1.6} onlyRenderVisibleElements
                onNodeClick={(_, node) => onChoose({kind: 'stage', name: node.id})}
                onEdgeClick={(_, edge) => onChoose({kind: 'edge', at: Number(edge.id)})}
                onNodesChange={(changes) => {
                    for (const change of changes) if (change.type === 'select' && change.selected) onChoose({kind: 'stage', name: change.id});
                }}
                onEdgesChange={(changes) => {
                    for (const change of changes) if (change.type === 'select' && change.selected) onChoose({kind: 'edge', at: Number(change.id)});
                }}
                onPaneClick={() => onChoose(undefined)}
                onConnect={({source, target}) => onJoin(source, target)}
                onDelete={() => chosen && onRemove(chosen)}
                onBeforeDelete={async () => !readOnly}
            >
                <Background gap={20} color="var(--line)" />
                <Controls showInteractive={false} />
                <Fit count={stages.length} />
            </ReactFlow>
        </ReactFlowProvider>
    );
}
