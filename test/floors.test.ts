// The house has floors, and an import may only go down: core at the bottom, what a user starts at the top.
// Rooms of one floor do not know each other.

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const floors = [
  ['core'],
  ['graph', 'gpu', 'wasm'],
  ['ops'],
  ['cpu', 'optim', 'transform', 'nn'],
  ['scheduler', 'models'],
  ['data'],
  ['train'],
  ['check', 'interop'],
  ['flower'],
  ['index.ts'],
  ['node'],
  ['node.ts'],
  ['cli', 'demo'],
];
/** What the build puts into these rooms, and nowhere else. */
const bundled: Readonly<Record<string, readonly string[]>> = {
  'fast-png': ['cli'],
  '@bufbuild/protobuf': ['interop', 'flower'],
};
/** Only these run in Node alone. */
const nodeOnly = ['node', 'node.ts', 'cli'];

/** Another language, with its own imports. */
const assembly = 'src/wasm/assembly/';

const root = fileURLToPath(new URL('..', import.meta.url));

test('every import in src goes down', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => posix.join('src', ...path.split(/[\\/]/)))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts') && !path.startsWith(assembly));
  expect(files).not.toEqual([]);
  expect(files.flatMap((file) => badImports(file, readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

test.each([
  ['src/core/shape.ts', `import { matmul } from '../ops/products/matmul.ts';`, 'an import goes down'],
  ['src/graph/graph.ts', `import type { Arena } from '../gpu/arena.ts';`, 'an import goes down'],
  ['src/nn/linear.ts', `export * from '../optim/sgd.ts';`, 'an import goes down'],
  ['src/train/trainer.ts', `const { run } = await import('../cli/index.ts');`, 'an import goes down'],
  ['src/demo/main.ts', `import {\n  open,\n} from '../node.ts';`, 'only node, node.ts, cli may'],
  ['src/gpu/device.ts', `import { create } from 'webgpu';`, 'only node, node.ts, cli may'],
  ['src/data/idx.ts', `import 'node:fs';`, 'only node, node.ts, cli may'],
  [
    'src/ops/products/matmul.ts',
    `import code from '../../../shaders/products/matmul.wgsl';`,
    'from shaders only *.wgsl?raw',
  ],
  ['src/ops/products/matmul.ts', `import { fixture } from '../../../test/fixture.ts';`, 'not of the house'],
  ['src/ops/products/matmul.ts', `import { clamp } from 'lodash';`, 'not of the house'],
  ['src/data/cifar10/sprites.ts', `import { decode } from 'fast-png';`, 'only cli may'],
  ['src/node/cifar10.ts', `const { decode } = await import('fast-png');`, 'only cli may'],
  ['src/cli/pictures/png.ts', `import { decode } from 'pngjs';`, 'not of the house'],
  ['src/attic/old.ts', `import { shape } from '../core/shape.ts';`, 'src/attic has no floor'],
])('%s must not say: %s', (file, source, rule) => {
  const bad = badImports(file, source);
  expect(bad).toHaveLength(1);
  expect(bad[0]).toContain(file);
  expect(bad[0]).toContain(rule);
});

test.each([
  ['src/ops/products/matmul.ts', `import code from '../../../shaders/products/matmul.wgsl?raw';`],
  [
    'src/ops/products/matmul.ts',
    `import { shape } from '../../core/shape.ts';\nimport { sum } from '../reductions/sum.ts';`,
  ],
  ['src/gpu/device.ts', `const { create } = await import('webgpu');`],
  ['src/cli/index.ts', `import { parseArgs } from 'node:util';\nimport { requestDevice } from '../node.ts';`],
  ['src/cli/pictures/png.ts', `import { decode, encode } from 'fast-png';`],
  ['src/core/errors.ts', `// a copy from '../train/errors.ts'\nthrow new Error("take it from 'webgpu'");`],
  ['src/core/launch.ts', `export interface Launch {\n  /** Taken from 'webgpu'. */\n  readonly grid: number;\n}`],
])('%s may say: %s', (file, source) => {
  expect(badImports(file, source)).toEqual([]);
});

/** The imports of a file that break the order, each with the rule that it breaks. */
function badImports(file: string, source: string): string[] {
  const room = roomOf(file);
  const bad: string[] = [];
  for (const { from, dynamic } of importsOf(source)) {
    const rule = brokenRule(file, room, from, dynamic);
    if (rule) bad.push(`${file} imports '${from}': ${rule}`);
  }
  return bad;
}

function brokenRule(file: string, room: string, from: string, dynamic: boolean): string | undefined {
  if (floorOf(room) < 0) return `src/${room} has no floor in this test`;
  const inNode = nodeOnly.includes(room);
  const nodeRule = `only ${nodeOnly.join(', ')} may`;
  if (from.startsWith('node:') || from === 'webgpu') return inNode || dynamic ? undefined : nodeRule;
  const [bundledIn] = Object.entries(bundled).flatMap(([name, to]) => (isOf(name, from) ? [to] : []));
  if (bundledIn) return bundledIn.includes(room) ? undefined : `only ${bundledIn.join(', ')} may`;
  if (!from.startsWith('.')) return room === 'demo' ? undefined : 'not of the house';

  const target = posix.join(posix.dirname(file), from);
  if (target.startsWith('shaders/')) return target.endsWith('.wgsl?raw') ? undefined : 'from shaders only *.wgsl?raw';
  if (!target.startsWith('src/')) return 'not of the house';
  const other = roomOf(target);
  if (other === room) return undefined;
  if (nodeOnly.includes(other) && !inNode && floorOf(other) < floorOf(room)) return nodeRule;
  return floorOf(other) >= 0 && floorOf(other) < floorOf(room) ? undefined : 'an import goes down';
}

/** Whether a package, or what lies in it, is imported. */
const isOf = (name: string, from: string): boolean => from === name || from.startsWith(`${name}/`);

/** The folder of src, or the file that stands in src itself. */
const roomOf = (path: string) => path.split('/')[1];

const floorOf = (room: string) => floors.findIndex((rooms) => rooms.includes(room));

function importsOf(source: string): { from: string; dynamic: boolean }[] {
  const statics = /^\s*(?:import|export)\s(?:[\w$*{},\s]+\sfrom\s)?\s*['"]([^'"]+)['"]/gm;
  const dynamics = /\bimport\(\s*['"]([^'"]+)['"]/g;
  return [
    ...[...source.matchAll(statics)].map(([, from]) => ({ from, dynamic: false })),
    ...[...source.matchAll(dynamics)].map(([, from]) => ({ from, dynamic: true })),
  ];
}
