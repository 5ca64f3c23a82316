import {defineConfig} from 'vitest/config';

export default defineConfig({
    cacheDir: `${process.env.PENSTOCK_CONSOLE_OUT}/vite-browser`,
    test: {
        include: ['*.test.ts'],
        fileParallelism: false,
        // Waits end by what is seen; these only bound a test that waits for what never comes.
        testTimeout: 240_000,
        hookTimeout: 240_000,
        pool: 'forks',
    },
});
