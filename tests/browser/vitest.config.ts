import {defineConfig} from 'vitest/config';

export default defineConfig({
    cacheDir: `${process.env.PENSTOCK_CONSOLE_OUT}/vite-browser`,
    test: {
        include: ['*.test.ts'],
        fileParallelism: false,
        testTimeout: 90_000,
        hookTimeout: 120_000,
        pool: 'forks',
    },
});
