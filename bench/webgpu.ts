// What a page has by itself, made of Dawn for Node: libraries look for it in globals.

import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { create, globals } from 'webgpu';

/** @param toggles options of Dawn's instance: `enable-dawn-features=…` */
export function installWebgpu(toggles: readonly string[]): void {
  const navigator = {
    // Kept by the global as long as its devices live: if Dawn's instance is collected first, the process dies.
    gpu: create([...toggles]),
    // jax-js asks it whether this is a telephone, and how many workers it may have.
    userAgent: 'Node',
    hardwareConcurrency: cpus().length,
  };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  // TensorFlow.js' WebAssembly code was made for CommonJS.
  Object.assign(globalThis, globals, { require: createRequire(import.meta.url), __dirname: import.meta.dirname });
}
