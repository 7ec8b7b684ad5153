import { create } from 'webgpu';
import { sharedDevice } from './device.ts';

/** The shared device with some members of a test's own. */
async function sharedWith(members: (device: GPUDevice) => Readonly<Record<string, unknown>>): Promise<GPUDevice> {
  const device = await sharedDevice();
  const own = members(device);
  return new Proxy(device, {
    get(target, name) {
      if (typeof name === 'string' && Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

const traits = ({ limits }: GPUDevice) => ({
  maxBufferSize: limits.maxBufferSize,
  maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
  maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
  maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
  maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
});

/** The shared device, as if it had other limits. */
export const limited = (limits: Partial<GPUSupportedLimits>): Promise<GPUDevice> =>
  sharedWith((device) => ({ limits: { ...traits(device), ...limits } }));

/** The shared device, as if it were a card: kernels are chosen as for one. */
export const asCard = (): Promise<GPUDevice> =>
  sharedWith(() => ({ adapterInfo: { vendor: 'a', architecture: 'b', device: 'c', description: 'a card' } }));

/** The shared device, as if it had none of WebGPU's optional features: no timestamps. */
export const plain = (): Promise<GPUDevice> => sharedWith(() => ({ features: new Set() }));

/** Which allocations are to fail: those of labels in which the word stands, so many times. */
export interface Shortage {
  word: string;
  times: number;
}

/** How late a device says that it had no room. */
const LATE_MS = 100;

/** The shared device, as if it had no room where a shortage says so. */
export const short = (shortage: Shortage): Promise<GPUDevice> =>
  sharedWith((device) => {
    let lacks = false;
    return {
      pushErrorScope(filter: GPUErrorFilter) {
        lacks = false;
        device.pushErrorScope(filter);
      },
      createBuffer(descriptor: GPUBufferDescriptor) {
        lacks ||= shortage.times > 0 && descriptor.label!.includes(shortage.word);
        return device.createBuffer(descriptor);
      },
      async popErrorScope() {
        const failed = lacks;
        const error = await device.popErrorScope();
        if (!failed) return error;
        shortage.times--;
        // Long enough for others to come in between.
        await new Promise((resolve) => void setTimeout(resolve, LATE_MS));
        return { message: 'out of memory' };
      },
    };
  });

/** In Node, Dawn's instance must outlive its devices. */
const instances: GPU[] = [];

/** A device of its own with WebGPU's default limits and no features; the caller destroys it. */
export async function modestDevice(): Promise<GPUDevice> {
  const gpu = create([]);
  instances.push(gpu);
  const adapter = await gpu.requestAdapter();
  return adapter!.requestDevice();
}
