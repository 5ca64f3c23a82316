// The document as text, with the server's faults where they are.
import {closeBrackets, closeBracketsKeymap} from '@codemirror/autocomplete';
import {defaultKeymap, history, historyKeymap} from '@codemirror/commands';
import {json, jsonParseLinter} from '@codemirror/lang-json';
import {bracketMatching, ensureSyntaxTree, foldGutter, HighlightStyle, indentUnit, syntaxHighlighting, syntaxTree} from '@codemirror/language';
import {type Diagnostic, lintGutter, lintKeymap, setDiagnostics} from '@codemirror/lint';
import {highlightSelectionMatches, searchKeymap} from '@codemirror/search';
import {EditorState} from '@codemirror/state';
import {drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers} from '@codemirror/view';
import {tags} from '@lezer/highlight';
import {useEffect, useRef} from 'react';
import {nonce} from '@/app/nonce';
import type {Fault} from '../workflows';
import {placeOf} from './pointer';

const theme = EditorView.theme({
    '&': {height: '100%', fontSize: '0.8125rem', color: 'var(--text)', backgroundColor: 'var(--surface)'},
    '.cm-scroller': {fontFamily: 'var(--mono)', lineHeight: '1.55'},
    '.cm-gutters': {backgroundColor: 'var(--sunken)', color: 'var(--faint)', border: 'none'},
    '.cm-activeLine, .cm-activeLineGutter': {backgroundColor: 'var(--hover)'},
    '.cm-cursor': {borderLeftColor: 'var(--text)'},
    '&.cm-focused': {outline: '2px solid var(--accent)', outlineOffset: '-2px'},
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {backgroundColor: 'var(--chosen)'},
    '.cm-tooltip': {backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--strong-line)', borderRadius: '6px'},
    '.cm-panels': {backgroundColor: 'var(--sunken)', color: 'var(--text)'},
    '.cm-foldPlaceholder': {backgroundColor: 'var(--none-soft)', border: 'none', color: 'var(--muted)'},
});
const colours = HighlightStyle.define([
    {tag: tags.propertyName, color: 'var(--accent)'},
    {tag: tags.string, color: 'var(--text)'},
    {tag: [tags.number, tags.bool, tags.null], color: 'var(--info)'},
    {tag: tags.punctuation, color: 'var(--faint)'},
]);

const place = (view: EditorView, pointer: string) =>
    placeOf(ensureSyntaxTree(view.state, view.state.doc.length, 200) ?? syntaxTree(view.state), (a, b) => view.state.sliceDoc(a, b), pointer);

function diagnosticsOf(view: EditorView, faults: readonly Fault[]): Diagnostic[] {
    const length = view.state.doc.length;
    const parsing = jsonParseLinter()(view);
    if (parsing.length > 0) return [...parsing];
    return faults.map((fault) => {
        const {from, to} = place(view, fault.pointer);
        return {from, to: Math.min(Math.max(to, from + 1), length), severity: 'error', message: `${fault.pointer} ${fault.what}`};
    });
}

export default function JsonEditor({text, onChange, faults, readOnly, label, focusOn}: {
    text: string; onChange: (text: string) => void; faults: readonly Fault[]; readOnly: boolean; label: string;
    /// A pointer to show; anew with each object.
    focusOn: {pointer: string} | undefined;
}) {
    const parent = useRef<HTMLDivElement>(null);
    const view = useRef<EditorView | undefined>(undefined);
    const changed = useRef(onChange);
    changed.current = onChange;
    const latest = useRef(text);
    latest.current = text;
    useEffect(() => {
        const made = new EditorView({
            parent: parent.current!,
            state: EditorState.create({
                doc: latest.current,
                extensions: [
                    EditorView.cspNonce.of(nonce), lineNumbers(), foldGutter(), history(), drawSelection(), bracketMatching(), closeBrackets(),
                    highlightActiveLine(), highlightSelectionMatches(), indentUnit.of('  '), json(), lintGutter(), theme, syntaxHighlighting(colours),
                    EditorView.lineWrapping, EditorView.contentAttributes.of({'aria-label': label}), EditorState.readOnly.of(readOnly),
                    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...lintKeymap]),
                    EditorView.updateListener.of((update) => {
                        if (update.docChanged) changed.current(update.state.doc.toString());
                    }),
                ],
            }),
        });
        view.current = made;
        return () => made.destroy();
    }, [label, readOnly]);
    useEffect(() => {
        const v = view.current;
        if (v && v.state.doc.toString() !== text) v.dispatch({changes: {from: 0, to: v.state.doc.length, insert: text}});
    }, [text]);
    useEffect(() => {
        const v = view.current;
        if (v) v.dispatch(setDiagnostics(v.state, diagnosticsOf(v, faults)));
    }, [faults]);
    useEffect(() => {
        const v = view.current;
        if (!v || !focusOn) return;
        const {from} = place(v, focusOn.pointer);
        v.dispatch({selection: {anchor: from}, effects: EditorView.scrollIntoView(from, {y: 'center'})});
        v.focus();
    }, [focusOn]);
    return <div ref={parent} style={{height: '100%', minHeight: 0, overflow: 'hidden'}} />;
}
