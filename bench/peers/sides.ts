/** Where a peer computes; on a software adapter a CPU plays the GPU. */
export type Side = 'gpu' | 'cpu';

/** The peers in their order, by name, apart from their code: a page offers them before it loads any. */
export const sides: ReadonlyMap<string, Side> = new Map<string, Side>([
  ['millrace', 'gpu'],
  ['millrace, a submit a step', 'gpu'],
  ['TensorFlow.js webgpu', 'gpu'],
  ['jax-js webgpu', 'gpu'],
  ['gpu.js webgpu', 'gpu'],
  ['millrace wasm', 'cpu'],
  ['millrace wasm, 1 thread', 'cpu'],
  ['millrace cpu', 'cpu'],
  ['TensorFlow.js wasm', 'cpu'],
  ['jax-js wasm', 'cpu'],
  ['TensorFlow.js cpu', 'cpu'],
  ['gpu.js cpu', 'cpu'],
  ['plain loops', 'cpu'],
]);

/** Whom ratios compare with. */
export const SUBJECT = 'millrace';
