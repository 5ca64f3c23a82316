// Where in a JSON text a pointer (RFC 6901) leads, by its syntax tree; as far as it goes.
import type {SyntaxNode, Tree} from '@lezer/common';

export interface Span {
    from: number;
    to: number;
}
const values = ['Object', 'Array', 'String', 'Number', 'True', 'False', 'Null'];
const valueIn = (node: SyntaxNode): SyntaxNode | null => {
    for (let child = node.lastChild; child; child = child.prevSibling) if (values.includes(child.name)) return child;
    return null;
};

export function placeOf(tree: Tree, slice: (from: number, to: number) => string, pointer: string): Span {
    let node = valueIn(tree.topNode);
    let place: Span = {from: node?.from ?? 0, to: node ? node.from + 1 : 0};
    for (const step of pointer.split('/').slice(1).map((s) => s.replaceAll('~1', '/').replaceAll('~0', '~'))) {
        if (!node || step === '') break;
        let next: SyntaxNode | null = null;
        if (node.name === 'Object') {
            for (const property of node.getChildren('Property')) {
                const name = property.getChild('PropertyName');
                if (!name || slice(name.from, name.to) !== JSON.stringify(step)) continue;
                next = valueIn(property);
                place = {from: name.from, to: name.to};
            }
        } else if (node.name === 'Array') {
            let at = 0;
            for (let child = node.firstChild; child; child = child.nextSibling)
                if (values.includes(child.name) && at++ === Number(step)) next = child;
            if (next) place = {from: next.from, to: next.from + 1};
        }
        if (!next) break;
        node = next;
        if (node.name !== 'Object' && node.name !== 'Array') place = {from: node.from, to: node.to};
    }
    return place;
}
