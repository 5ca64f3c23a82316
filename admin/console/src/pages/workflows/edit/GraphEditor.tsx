// The graph of a document: stages and edges to choose, join and remove. Arranged by itself, anew when it changes.
import {Background, BaseEdge, Controls, type Edge as FlowEdge, type EdgeProps, Handle, MarkerType, type Node, type NodeProps, Position, ReactFlow, ReactFlowProvider} from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import {IconCircleCheck, IconCircleX} from '@tabler/icons-react';
import {memo, useMemo} from 'react';
import {useTexts} from '@/i18n';
import {Fit, useFrame} from '@/parts/graph/frame';
import {graphLabels} from '@/parts/graph/labels';
import {curve, layout, type Place} from '@/parts/graph/layout';
import '@/parts/graph/flow.css';
import {type Document, edgeName, edgesOf, type Stage, stagesOf, withinOf} from './document';
import css from './edit.module.css';
import {texts} from '../texts';

export type Chosen = {kind: 'stage'; name: string} | {kind: 'edge'; at: number};
type StageNode = Node<{stage: Stage}, 'stage'>;
const width = 172, height = 54;

const StageBox = memo(function StageBox({data: {stage}, selected, targetPosition = Position.Left, sourcePosition = Position.Right}: NodeProps<StageNode>) {
    return (
        <div className={css.stage} data-chosen={selected || undefined} data-optional={stage.optional || undefined} data-given>
            <Handle type="target" position={targetPosition} />
            <strong>{stage.terminal === 'success' && <IconCircleCheck size={13} aria-hidden />}{stage.terminal === 'failure' && <IconCircleX size={13} aria-hidden />} {stage.name}</strong>
            {stage.type && stage.type !== stage.name && <small>{stage.type}{stage.when ? ` · ${stage.when}` : ''}</small>}
            <Handle type="source" position={sourcePosition} />
        </div>
    );
});
type Arrow = FlowEdge<{through: readonly Place[]}, 'arrow'>;
const ArrowView = memo(function ArrowView({id, data, label, markerEnd, sourceX, sourceY, targetX, targetY, sourcePosition}: EdgeProps<Arrow>) {
    const [path, {x, y}] = curve({x: sourceX, y: sourceY}, {x: targetX, y: targetY}, data?.through ?? [], sourcePosition === Position.Bottom);
    return <BaseEdge id={id} path={path} label={label} labelX={x} labelY={y} {...(markerEnd ? {markerEnd} : {})} interactionWidth={24} />;
});
const nodeTypes = {stage: StageBox};
const edgeTypes = {arrow: ArrowView};

const fitOptions = {padding: 0.15, maxZoom: 1.1};

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
    const {ref, shown, size} = useFrame();
    const {places, routes, down} = useMemo(
        () => layout(stages.map((s) => ({id: s.name, width, height})), edges.map(({edge}) => edge), size),
        // eslint-disable-next-line react-hooks/exhaustive-deps -- its shape is all that it depends on
        [shape, size.width, size.height],
    );
    const nodes: StageNode[] = stages.map((stage) => ({
        id: stage.name, type: 'stage', position: places.get(stage.name) ?? {x: 0, y: 0}, targetPosition: down ? Position.Top : Position.Left, sourcePosition: down ? Position.Bottom : Position.Right, data: {stage}, width, height, measured: {width, height},
        selected: chosen?.kind === 'stage' && chosen.name === stage.name, ariaLabel: `${t('stage')} ${stage.name}`,
    }));
    const known = new Set(stages.map((s) => s.name));
    const arrows = edges.map(({edge, at}, i): Arrow => ({
        id: String(at), type: 'arrow', data: {through: routes[i] ?? []}, source: edge.from, target: edge.to, label: withinOf(edge), markerEnd: {type: MarkerType.ArrowClosed}, ariaLabel: `${t('edge')} ${edgeName(edge)}`,
        selected: chosen?.kind === 'edge' && chosen.at === at,
    })).filter(({source, target}) => known.has(source) && known.has(target));
    return (
        <div className={css.frame} ref={ref}>
            {shown && <ReactFlowProvider>
            <ReactFlow
                nodes={nodes} edges={arrows} nodeTypes={nodeTypes} edgeTypes={edgeTypes} nodesDraggable={false} nodesConnectable={!readOnly} ariaLabelConfig={graphLabels()} deleteKeyCode={readOnly ? null : ['Delete', 'Backspace']}
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
                <Fit shape={`${stages.length} ${down}`} options={fitOptions} />
            </ReactFlow>
            </ReactFlowProvider>}
        </div>
    );
}
