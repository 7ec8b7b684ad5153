import { jaxWebgpu } from '../peers/jax.ts';
import { tensorflowWebgpu } from '../peers/tensorflow.ts';
import { inputsOf, type Product } from '../work.ts';
import type { Text } from './texts.ts';

/* Other libraries' products, to stand beside ours: what they compile for a large one on the adapter that is there. */

const SIZE = 1024;
const products: Readonly<Record<string, Pick<Product, 'transposeA' | 'transposeB'>>> = {
  AB: {},
  ABᵀ: { transposeB: true },
  AᵀB: { transposeA: true },
};

/** Watches what devices that others open compile, until it is ended. */
function watch(note: (entry: string, code: string) => void): { end(): void } {
  const { prototype } = GPUDevice;
  const { createShaderModule, createComputePipeline, createComputePipelineAsync } = prototype;
  const codes = new WeakMap<object, string>();
  const noted = ({ compute: { module, entryPoint } }: GPUComputePipelineDescriptor): void => {
    const code = codes.get(module)!;
    note(entryPoint ?? /@compute[^{]*?\bfn (\w+)/.exec(code)![1], code);
  };
  Object.assign(prototype, {
    createShaderModule(this: GPUDevice, descriptor: GPUShaderModuleDescriptor) {
      const module = createShaderModule.call(this, descriptor);
      codes.set(module, descriptor.code);
      return module;
    },
    createComputePipeline(this: GPUDevice, descriptor: GPUComputePipelineDescriptor) {
      noted(descriptor);
      return createComputePipeline.call(this, descriptor);
    },
    createComputePipelineAsync(this: GPUDevice, descriptor: GPUComputePipelineDescriptor) {
      noted(descriptor);
      return createComputePipelineAsync.call(this, descriptor);
    },
  });
  return {
    end: () => void Object.assign(prototype, { createShaderModule, createComputePipeline, createComputePipelineAsync }),
  };
}

/** The texts of TensorFlow.js' and jax-js' products of 1024 × 1024 matrices, in each order of storage, and no others. */
export async function peersTexts(device: GPUDevice): Promise<readonly Text[]> {
  const texts = new Map<string, Text>();
  for (const other of [tensorflowWebgpu, jaxWebgpu]) {
    const peer = await other.open({ device });
    for (const [kernel, order] of Object.entries(products)) {
      const work: Product = { kind: 'product', M: SIZE, K: SIZE, N: SIZE, ...order };
      const watched = watch((entry, code) => {
        if (!texts.has(code)) texts.set(code, { of: peer.name, kernel, entry, code });
      });
      const job = await peer.prepare(work, inputsOf(work));
      try {
        await job.result();
      } finally {
        watched.end();
        await job.destroy();
      }
    }
  }
  return [...texts.values()];
}
