import { requireKind } from './argumentChecks.ts';

/** Where a trainer runs: on a GPU, by WebAssembly's vectors on the CPU, or by the plain references there. */
export type BackendKind = 'webgpu' | 'wasm' | 'cpu';

/** Where it is to run: in one of these, or in whichever is the fastest one that is to be had. */
export type BackendName = BackendKind | 'auto';

export const BACKEND_NAMES: readonly BackendName[] = ['webgpu', 'wasm', 'cpu', 'auto'];

/** @throws DataError for what is none */
export function requireBackend(where: string, given: BackendName): void {
  requireKind(where, 'backend', given, BACKEND_NAMES.includes(given), '"webgpu", "wasm", "cpu" or "auto"');
}
