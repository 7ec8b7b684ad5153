import { COMPUTE_STAGE } from '../core/webgpuFlags.ts';
import type { Kernel } from '../core/launch.ts';
import { link } from './link.ts';

/** How a kernel uses each binding, in order. */
export type Access = 'read' | 'read_write' | 'uniform';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

interface Cache {
  readonly layouts: Map<string, GPUBindGroupLayout>;
  readonly pipelines: Map<string, Promise<Pipeline>>;
}

/** Pipelines by their exact text: programs of one device share them. */
const caches = new WeakMap<GPUDevice, Cache>();

function cacheOf(device: GPUDevice): Cache {
  let cache = caches.get(device);
  if (!cache) caches.set(device, (cache = { layouts: new Map(), pipelines: new Map() }));
  return cache;
}

const bufferType = { read: 'read-only-storage', read_write: 'storage', uniform: 'uniform' } as const;

function layoutOf(device: GPUDevice, access: readonly Access[]): GPUBindGroupLayout {
  const { layouts } = cacheOf(device);
  const key = access.join();
  let layout = layouts.get(key);
  if (!layout) {
    layout = device.createBindGroupLayout({
      label: `millrace ${key}`,
      entries: access.map((how, binding) => ({
        binding,
        visibility: COMPUTE_STAGE,
        buffer: { type: bufferType[how] },
      })),
    });
    layouts.set(key, layout);
  }
  return layout;
}

async function create(device: GPUDevice, kernel: Kernel, code: string, access: readonly Access[]): Promise<Pipeline> {
  const label = `millrace ${kernel.name}`;
  const layout = layoutOf(device, access);
  const module = device.createShaderModule({ label, code });
  try {
    const pipeline = await device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: kernel.entry ?? 'main' },
    });
    return { pipeline, layout };
  } catch (cause) {
    const { messages } = await module.getCompilationInfo();
    const lines = messages.map(({ lineNum, message }) => `line ${lineNum}: ${message}`).join('\n');
    throw new Error(`[pipeline] kernel ${kernel.name} does not compile: ${lines || String(cause)}\n${code}`, { cause });
  }
}

/** The pipeline of a kernel on a device, made once. Call for all that a program needs, then await: they compile together. */
export function pipelineOf(device: GPUDevice, kernel: Kernel, access: readonly Access[]): Promise<Pipeline> {
  const { pipelines } = cacheOf(device);
  const code = link(kernel);
  const key = `${kernel.entry} ${access.join()}\n${code}`;
  let pipeline = pipelines.get(key);
  if (!pipeline) pipelines.set(key, (pipeline = create(device, kernel, code, access)));
  return pipeline;
}
