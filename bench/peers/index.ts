import { gpujsCpu, gpujsWebgpu } from './gpujs.ts';
import { jaxWasm, jaxWebgpu } from './jax.ts';
import { loops } from './loops.ts';
import { millrace, millraceBySteps, millraceCpu, millraceWasm, millraceWasmAlone } from './millrace.ts';

export { ladder } from './millrace.ts';
import type { PeerEntry } from './peer.ts';
import { tensorflowCpu, tensorflowWasm, tensorflowWebgpu } from './tensorflow.ts';

export const peers: readonly PeerEntry[] = [
  millrace,
  millraceBySteps,
  tensorflowWebgpu,
  jaxWebgpu,
  gpujsWebgpu,
  millraceWasm,
  millraceWasmAlone,
  millraceCpu,
  tensorflowWasm,
  jaxWasm,
  tensorflowCpu,
  gpujsCpu,
  loops,
];
