import { create } from 'webgpu';
import type { KernelChoice } from '../../src/scheduler/kernelChoice.ts';
import { sharedDevice } from './device.ts';

type Members = Readonly<Record<string, unknown>>;

/** A device with some members of a test's own. */
function withMembers(device: GPUDevice, own: Members): GPUDevice {
  return new Proxy(device, {
    get(target, name) {
      if (typeof name === 'string' && Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
}

async function sharedWith(members: (device: GPUDevice) => Members): Promise<GPUDevice> {
  const device = await sharedDevice();
  return withMembers(device, members(device));
}

const traits = ({ limits }: GPUDevice) => ({
  maxBufferSize: limits.maxBufferSize,
  maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
  maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
  maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
  maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
});

/** The shared device, or another, as if it had other limits. */
export const limited = async (limits: Partial<GPUSupportedLimits>, device?: GPUDevice): Promise<GPUDevice> => {
  const whole = device ?? (await sharedDevice());
  return withMembers(whole, { limits: { ...traits(whole), ...limits } });
};

const CARD: Members = { adapterInfo: { vendor: 'a', architecture: 'b', device: 'c', description: 'a card' } };

let card: Promise<GPUDevice> | undefined;

/** The shared device, as if it were a card: kernels are chosen as for one. Always the same, for the sake of its pipelines. */
export const asCard = (): Promise<GPUDevice> => (card ??= sharedWith(() => CARD));

/** Products of a card in the form that a software driver compiles soonest, where a test is about something else. */
export const plainProducts: KernelChoice = { adapter: 'a card', forms: { '*': 'registers4' } };

let modest: { readonly gpu: GPU; readonly device: Promise<GPUDevice> } | undefined;

/** A device for which no limits and no features were asked, so that it has WebGPU's own. */
export function modestDevice(): Promise<GPUDevice> {
  if (!modest) {
    const gpu = create([]);
    const open = async () => (await gpu.requestAdapter())!.requestDevice();
    // Dawn's instance must live as long as its device.
    modest = { gpu, device: open() };
  }
  return modest.device;
}

let plainCard: Promise<GPUDevice> | undefined;

/** The same as if it were a card. */
export const asPlainCard = (): Promise<GPUDevice> =>
  (plainCard ??= modestDevice().then((device) => withMembers(device, CARD)));

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
