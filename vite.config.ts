import { readdirSync, readFileSync } from 'node:fs';
import type { UserConfig } from 'vite';
import { defineConfig } from 'vitest/config';
import { assembly, threadFile } from './build/assembly.ts';
import { flowerProxy } from './build/flowerProxy.ts';
import { isolation } from './build/isolation.ts';
import { pureModules } from './build/pureModules.ts';
import { referencePages } from './docs/api/pages.ts';
import { lessonPages } from './docs/lesson.ts';
import { patienceMs } from './test/support/testTimeout.mjs';

/** `--mode` is one of `builds`; else it is the pages, as they are served. */
export default defineConfig(({ mode }) => ({
  base: './',
  publicDir: false,
  plugins: [
    lessonPages(import.meta.dirname),
    referencePages(import.meta.dirname),
    bareShaders(),
    assembly(),
    threadFile(),
    pureModules(),
  ],
  build: builds[mode] ?? pages,
  // As modules: what a worker does not need at once comes when it does.
  worker: { format: 'es', plugins: () => [bareShaders(), assembly()] },
  server: { headers: isolation, proxy: flowerProxy() },
  preview: { headers: isolation, proxy: flowerProxy() },
  // Benchmarks are to run where there is nothing but them and Dawn's package.
  ssr: { noExternal: ['bench', 'isa'].includes(mode) ? true : [], external: ['webgpu'] },
  test: {
    include: ['test/**/*.test.ts'],
    // The files of a process share one GPU device, which a software driver takes long to make and to fill. There are two,
    // since most of the time goes by while one core compiles shaders.
    pool: 'forks',
    maxWorkers: 2,
    isolate: false,
    setupFiles: ['./test/support/quietWaits.ts'],
    // What is measured may come out otherwise next time.
    env: { MILLRACE_KERNELS: 'guess' },
    expect: { poll: { timeout: patienceMs } },
    // A test may wait several times.
    testTimeout: 3 * patienceMs,
    hookTimeout: 3 * patienceMs,
    teardownTimeout: patienceMs,
    slowTestThreshold: 10_000,
  },
}));

/** Shaders as they are handed to a compiler, without what is for their readers: a third of their weight. */
function bareShaders() {
  const query = '?raw';
  return {
    name: 'bare-shaders',
    enforce: 'pre' as const,
    load(id: string) {
      if (!id.endsWith(`.wgsl${query}`)) return undefined;
      const text = readFileSync(id.slice(0, -query.length), 'utf8');
      const lines = text.split('\n').map((line) => line.replace(/\/\/.*/, '').trim());
      return `export default ${JSON.stringify(lines.filter(Boolean).join('\n'))};`;
    },
  };
}

const library = {
  target: 'es2022',
  outDir: 'dist',
  // The page and the declarations live in dist too.
  emptyOutDir: false,
  minify: false,
  // Of what the command line, millrace/interop and millrace/flower bring along.
  license: { fileName: 'licenses.md' },
  lib: {
    entry: {
      index: 'src/index.ts',
      data: 'src/data/index.ts',
      'data.node': 'src/node/data.ts',
      interop: 'src/interop/index.ts',
      flower: 'src/flower/index.ts',
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

const pagesIn = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => (name.endsWith('.html') ? `${folder}/${name}` : []));

const pages = {
  target: 'es2022',
  outDir: 'dist/page',
  rolldownOptions: { input: ['index.html', ...['bench', 'docs', 'examples'].flatMap(pagesIn)] },
  // The benchmarks load TensorFlow.js' WebAssembly, as text, when they are asked to.
  chunkSizeWarningLimit: 2000,
  // The pages' policy lets no picture be a part of their text.
  assetsInlineLimit: 0,
};

const bench = {
  target: 'es2022',
  outDir: 'dist',
  emptyOutDir: false,
  minify: false,
  ssr: 'bench/node.ts',
  // The file that threads begin with.
  ssrEmitAssets: true,
  rolldownOptions: { output: { entryFileNames: 'bench.js', codeSplitting: false } },
};

const isa = {
  ...bench,
  ssr: 'bench/isa/main.ts',
  rolldownOptions: { output: { entryFileNames: 'isa.js', codeSplitting: false } },
};

/** What npm ships; the benchmarks for Node; what collects kernels for a card's compiler. */
const builds: Readonly<Record<string, UserConfig['build']>> = { library, bench, isa };
