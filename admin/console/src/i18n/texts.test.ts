// Every text there is, in both languages; every key that is used, defined.
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {i18n, languages, pseudoLanguage, text} from '.';

const src = join(import.meta.dirname, '..');
const files = readdirSync(src, {recursive: true, encoding: 'utf8'}).filter((f) => /\.tsx?$/.test(f) && !f.includes('.test.'));
const textFiles = files.filter((f) => f.endsWith('texts.ts'));
await Promise.all(textFiles.map((f) => import(/* @vite-ignore */ join(src, f))));

const bundle = (language: string, namespace: string) => i18n.getResourceBundle(language, namespace) as Record<string, string>;
const namespaces = Object.keys(i18n.getDataByLanguage('en') ?? {});
const placeholders = (value: string) => [...value.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort();

describe('texts', () => {
    it.each(namespaces)('%s says the same in each language', (namespace) => {
        const english = bundle('en', namespace);
        for (const language of languages) {
            const other = bundle(language, namespace);
            expect(Object.keys(other).sort()).toEqual(Object.keys(english).sort());
            for (const [key, value] of Object.entries(english)) {
                expect(other[key], `${language} ${key}`).not.toBe('');
                expect(placeholders(other[key]!), `${language} ${key}`).toEqual(placeholders(value));
            }
        }
    });

    it.each(files.filter((f) => f.endsWith('.tsx')))('%s uses only keys that there are', (file) => {
        const source = readFileSync(join(src, file), 'utf8');
        const known = new Set(namespaces.flatMap((n) => Object.keys(bundle('en', n)).map((k) => k.replace(/_(one|other)$/, ''))));
        for (const [, key] of source.matchAll(/\bt\('([^']+)'/g)) expect(known, key).toContain(key);
    });

    it.each(files.filter((f) => f.endsWith('.tsx')))('%s has no words outside of its texts', (file) => {
        const source = readFileSync(join(src, file), 'utf8');
        const words = [...source.matchAll(/(?:aria-label|title|label|placeholder)="([^"{}]*[a-z]{3}[^"]*)"/gi)].map((m) => m[1]);
        expect(words).toEqual([]);
    });

    it('are longer and marked in the pseudo-locale', async () => {
        const {texts} = await import('@/parts/texts');
        await i18n.changeLanguage(pseudoLanguage);
        expect(text(texts, 'in', {span: '5 s'})).toMatch(/^\[íñ 5 s~+\]$/);
        await i18n.changeLanguage('de');
        expect(text(texts, 'all_rows', {count: 2})).toBe('2 Zeilen; das ist alles');
        await i18n.changeLanguage('en');
        expect(text(texts, 'all_rows', {count: 1})).toBe('One row; that is all');
    });
});
