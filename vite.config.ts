import { defineConfig } from 'vitest/config';

/** `--mode library` builds what npm ships; without it, Vite serves and builds the page at the root. */
export default defineConfig(({ mode }) => ({
  base: './',
  publicDir: false,
  build: mode === 'library' ? library : { target: 'es2022', outDir: 'dist/page' },
  test: {
    include: ['test/**/*.test.ts'],
    // One process for all files: they share one GPU device, which a software driver takes long to make and to fill.
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
}));

const library = {
  target: 'es2022',
  outDir: 'dist',
  // The page and the declarations live in dist too.
  emptyOutDir: false,
  minify: false,
  lib: {
    entry: {
      index: 'src/index.ts',
      data: 'src/data/index.ts',
      'data.node': 'src/node/data.ts',
      node: 'src/node.ts',
      cli: 'src/cli/index.ts',
    },
    formats: ['es' as const],
  },
  rolldownOptions: {
    external: [/^node:/, 'webgpu'],
    output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
  },
};
