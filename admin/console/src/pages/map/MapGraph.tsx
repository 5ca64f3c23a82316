// The graph, drawn once a version; then only figures change.
import {Background, BaseEdge, Controls, type Edge, type EdgeProps, Handle, MiniMap, type Node, type NodeProps, Position, ReactFlow, ReactFlowProvider, useStore} from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import {memo, useMemo} from 'react';
import {useTexts} from '@/i18n';
import {LevelIcon} from '@/parts/Badge';
import {short} from '@/parts/format';
import '@/parts/graph/flow.css';
import {Fit, useFrame} from '@/parts/graph/frame';
import {graphLabels} from '@/parts/graph/labels';
import {curve, layout, type Place} from '@/parts/graph/layout';
import {Countdown} from '@/parts/Time';
import {healthLevels} from '../workflows/workflows';
import css from './map.module.css';
import type {ArrowData, BoxData, Drawing} from './model';
import {texts} from './texts';

type BoxNode = Node<BoxData, 'box'>;
type ArrowEdge = Edge<ArrowData & {through?: readonly Place[]}, 'arrow'>;
const width = 190, height = 76;
/// Below this nothing of it could be read.
const readableZoom = 0.5, labelZoom = 0.45;
const marks = {green: '✓', amber: '▲', red: '✕'} as const;

const BoxView = memo(function BoxView({data, selected, targetPosition = Position.Left, sourcePosition = Position.Right}: NodeProps<BoxNode>) {
    const t = useTexts(texts);
    const readable = useStore((flow) => flow.transform[2] >= readableZoom);
    return (
        <div className={css.box} data-health={data.health} data-kind={data.kind} data-chosen={selected || undefined}>
            {data.kind === 'stage' && <Handle type="target" position={targetPosition} isConnectable={false} />}
            <span className={css.boxName}>
                <LevelIcon level={healthLevels[data.health]} size={15} label={t(data.health)} />
                <strong data-given>{data.name}</strong>
            </span>
            {readable && (
                <>
                    <span className={css.figures}>
                        {data.kind !== 'stage' && <b>{t(`kind_${data.kind}`)}</b>}
                        {data.trouble > 0 && <b data-level="bad">{t('in_trouble', {figure: short(data.trouble)})}</b>}
                        {data.trouble === 0 && data.risk > 0 && <b data-level="warn">{t('at_risk', {figure: short(data.risk)})}</b>}
                        <span>{data.kind === 'stage' ? t('waiting', {figure: short(data.waiting)}) : t('met_all', {figure: short(data.reached)})}</span>
                    </span>
                    <span className={css.figures}>
                        {data.kind === 'stage' && <span>{t('reached', {figure: short(data.reached)})}</span>}
                        {data.due && <span className={css.due}>{t('due')} <Countdown to={data.due} warnMs={10_000} brief /></span>}
                    </span>
                </>
            )}
            {data.kind === 'stage' && <Handle type="source" position={sourcePosition} isConnectable={false} />}
        </div>
    );
});

const ArrowView = memo(function ArrowView({data, sourceX, sourceY, targetX, targetY, sourcePosition, selected}: EdgeProps<ArrowEdge>) {
    const labelled = useStore((flow) => flow.transform[2] >= labelZoom);
    const [path, {x, y}] = curve({x: sourceX, y: sourceY}, {x: targetX, y: targetY}, data?.through ?? [], sourcePosition === Position.Bottom);
    const health = data?.health ?? 'green';
    const figure = data && data.trouble > 0 ? data.trouble : (data?.pending ?? 0);
    const text = `${marks[health]}${figure > 0 ? ` ${short(figure)}` : ''}`;
    return (
        <g className={css.arrow} data-health={health} data-chosen={selected || undefined}>
            <BaseEdge path={path} interactionWidth={24} />
            {labelled && (
                <g transform={`translate(${x} ${y})`}>
                    <rect x={-(text.length * 3.6 + 6)} y={-9} width={text.length * 7.2 + 12} height={18} rx={9} />
                    <text textAnchor="middle" dominantBaseline="central">{text}</text>
                </g>
            )}
        </g>
    );
});
const nodeTypes = {box: BoxView};
const edgeTypes = {arrow: ArrowView};

const fitOptions = {padding: 0.08, maxZoom: 1.15, minZoom: 0.05};

export default function MapGraph({drawing, chosen, onChoose, label}: {drawing: Drawing; chosen: string | undefined; onChoose: (id: string | undefined) => void; label: string}) {
    const t = useTexts(texts);
    const {ref, shown, size} = useFrame();
    const {places, routes, down} = useMemo(
        () => layout(drawing.boxes.map(({id}) => ({id, width, height})), drawing.arrows, size),
        // eslint-disable-next-line react-hooks/exhaustive-deps
        [drawing.shape, size.width, size.height],
    );
    const ways = useMemo(() => new Map(drawing.arrows.map((arrow, i) => [arrow.id, routes[i]!])),
        // eslint-disable-next-line react-hooks/exhaustive-deps -- a shape has the same arrows
        [routes]);
    // Nodes of boxes that stayed the same stay the same objects, too.
    const made = useMemo(() => new WeakMap<object, BoxNode>(), [places]);
    const madeArrows = useMemo(() => new WeakMap<object, ArrowEdge>(), [places]);
    const nodes = useMemo(
        () =>
            drawing.boxes.map((box): BoxNode => {
                let node = made.get(box);
                if (!node) made.set(box, (node = {id: box.id, type: 'box', position: places.get(box.id) ?? {x: 0, y: 0}, targetPosition: down ? Position.Top : Position.Left, sourcePosition: down ? Position.Bottom : Position.Right, data: box.data, width, height, measured: {width, height}, ariaLabel: `${box.data.name}: ${t(box.data.health)}`}));
                return box.id === chosen ? {...node, selected: true} : node;
            }),
        [drawing.boxes, places, down, made, chosen, t],
    );
    const edges = useMemo(
        () =>
            drawing.arrows.map((arrow): ArrowEdge => {
                let edge = madeArrows.get(arrow);
                if (!edge) madeArrows.set(arrow, (edge = {id: arrow.id, type: 'arrow', source: arrow.from, target: arrow.to, data: {...arrow.data, through: ways.get(arrow.id) ?? []}, ariaLabel: `${arrow.data.name}: ${t(arrow.data.health)}`}));
                return arrow.id === chosen ? {...edge, selected: true} : edge;
            }),
        [drawing.arrows, ways, madeArrows, chosen, t],
    );
    const large = drawing.boxes.length > 60;
    // To move what is drawn already is cheaper than to draw what comes into sight, as long as it is not too much.
    const tooLarge = drawing.boxes.length > 1_200;
    return (
        <div className={css.frame} ref={ref}>
            {shown && <ReactFlowProvider>
            <ReactFlow
                nodes={nodes} edges={edges} nodeTypes={nodeTypes} edgeTypes={edgeTypes} nodesDraggable={false} nodesConnectable={false} ariaLabelConfig={graphLabels()} deleteKeyCode={null}
                minZoom={0.05} maxZoom={1.8} onlyRenderVisibleElements={tooLarge} aria-label={label}
                onNodeClick={(_, node) => onChoose(node.id)}
                onEdgeClick={(_, edge) => onChoose(edge.id)}
                onNodesChange={(changes) => {
                    for (const change of changes) if (change.type === 'select' && change.selected) onChoose(change.id);
                }}
                onEdgesChange={(changes) => {
                    for (const change of changes) if (change.type === 'select' && change.selected) onChoose(change.id);
                }}
                onPaneClick={() => onChoose(undefined)}
            >
                <Background gap={24} color="var(--line)" />
                <Controls showInteractive={false} />
                {large && <MiniMap pannable zoomable nodeColor={(node) => `var(--${healthLevels[(node.data as BoxData).health]})`} />}
                <Fit shape={`${drawing.shape} ${down}`} options={fitOptions} />
            </ReactFlow>
            </ReactFlowProvider>}
        </div>
    );
}
