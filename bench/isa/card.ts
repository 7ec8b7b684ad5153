import { readFileSync, writeSync } from 'node:fs';
import { create, globals } from 'webgpu';

/* The card that a process sees. */

/** What a card says of itself. */
export interface Card {
  readonly info: GPUAdapterInfo;
  readonly limits: GPUSupportedLimits;
  readonly features: readonly string[];
}

/** Kept: if Dawn's instance is collected before what came from it, the process dies. */
let gpu: GPU | undefined;

async function adapterHere(): Promise<GPUAdapter> {
  Object.assign(globalThis, globals);
  gpu = create(['enable-dawn-features=allow_unsafe_apis']);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('the driver shows no adapter: look at RADV_MANIFEST');
  return adapter;
}

const limitsOf = ({ limits }: GPUAdapter): Record<string, number> =>
  Object.fromEntries(
    Object.keys(Object.getPrototypeOf(limits) as object).map((name) => [
      name,
      limits[name as keyof GPUSupportedLimits],
    ]),
  ) as Record<string, number>;

/** Prints the card as JSON. */
export async function cardHere(): Promise<void> {
  const adapter = await adapterHere();
  const { vendor, architecture, description, subgroupMinSize, subgroupMaxSize } = adapter.info;
  const info = { vendor, architecture, description, subgroupMinSize, subgroupMaxSize };
  writeSync(1, JSON.stringify({ info, limits: limitsOf(adapter), features: [...adapter.features] }));
}

/** Compiles a kernel: what its driver prints is what is wanted. */
export async function compileHere(file: string, entryPoint: string): Promise<void> {
  const adapter = await adapterHere();
  const wanted: readonly GPUFeatureName[] = ['subgroups', 'shader-f16'];
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((name) => adapter.features.has(name)),
    requiredLimits: limitsOf(adapter),
  });
  const module = device.createShaderModule({ code: readFileSync(file, 'utf8') });
  // Some processes print nothing about pipelines with a layout of their own.
  await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint } });
}
