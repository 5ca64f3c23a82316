import {fileURLToPath} from 'node:url';
import react from '@vitejs/plugin-react';
import {defineConfig} from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const out = process.env.PENSTOCK_CONSOLE_OUT ?? here('../../build/console');

const proxy = {'/api': {target: process.env.PENSTOCK ?? 'http://127.0.0.1:3000', ws: true}};

export default defineConfig({
    plugins: [react()],
    resolve: {alias: {'@': here('./src')}},
    cacheDir: `${out}/vite`,
    html: {cspNonce: '@NONCE@'},
    build: {
        outDir: `${out}/dist`,
        emptyOutDir: true,
        target: 'es2023',
        reportCompressedSize: false,
        modulePreload: {polyfill: false},
    },
    // For work on its looks: npm run dev beside a running appliance.
    server: {proxy},
    preview: {proxy},
    test: {environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'], globals: false},
});
