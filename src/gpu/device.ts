import { DeviceError } from '../core/errors.ts';
import { optionsOf, requireFinite, requireKind } from '../core/argumentChecks.ts';
import type { Adapter, Device } from '../core/globalTypes.ts';
import type { AdapterTraits } from '../core/launch.ts';

/** What a device is called, and what it is. */
export interface AdapterSummary {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly software: boolean;
}

/**
 * In Node, Dawn's instance must live as long as its devices: if it is collected first, the process dies.
 */
const keepAlive = new WeakMap<Device, GPU>();

/** Dawn's option that leaves timestamps as they are. */
export const EXACT_TIMESTAMPS = 'disable-dawn-features=timestamp_quantization';

const wantedFeatures = ['timestamp-query', 'shader-f16', 'subgroups'] as const;
/** A GPUFeatureName. */
export type UsefulFeature = (typeof wantedFeatures)[number];

/** @throws DataError for what is no adapter */
function requireAdapter(where: string, adapter: Adapter): void {
  const is = 'features' in Object(adapter) && 'limits' in Object(adapter);
  requireKind(where, 'the adapter', adapter, is, 'a GPUAdapter: await navigator.gpu.requestAdapter()');
}

/**
 * Which of an adapter's features a trainer makes use of, for a device of one's own; it needs none of them.
 *
 * ```ts
 * const device = await adapter.requestDevice({
 *   requiredFeatures: [...mine, ...requiredFeatures(adapter)],
 *   requiredLimits: { ...mineToo, ...requiredLimits(adapter) },
 * });
 * const trainer = await createTrainer({ device, … });
 * ```
 *
 * @throws DataError for what is no adapter
 */
export function requiredFeatures(adapter: Adapter): UsefulFeature[] {
  requireAdapter('requiredFeatures', adapter);
  return wantedFeatures.filter((feature) => adapter.features.has(feature));
}

/**
 * The limits that decide how large a model or batch may be, and which kernels there are, as high as the adapter has them:
 * WebGPU's defaults are a lower bound of all hardware. With the defaults a trainer works as well, in smaller pages.
 * @throws DataError for what is no adapter
 */
export function requiredLimits(adapter: Adapter): Record<string, number> {
  requireAdapter('requiredLimits', adapter);
  return limitsOf(adapter);
}

function limitsOf(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name of [
    'maxBufferSize',
    'maxStorageBufferBindingSize',
    'maxStorageBuffersPerShaderStage',
    'maxComputeWorkgroupStorageSize',
    'maxComputeInvocationsPerWorkgroup',
    'maxComputeWorkgroupSizeX',
    'maxComputeWorkgroupSizeY',
  ] as const) {
    limits[name] = adapter.limits[name];
  }
  return limits;
}

/**
 * WebGPU where the platform has it, else the optional peer `webgpu`, which is Dawn for Node; undefined where that is missing.
 * @throws DeviceError where it does not load
 */
async function findGpu(options: readonly string[]): Promise<GPU | undefined> {
  const platform = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (platform) return platform;
  if (!('process' in globalThis)) return undefined;
  const peer = 'webgpu';
  try {
    const dawn = (await import(/* @vite-ignore */ /* webpackIgnore: true */ peer)) as {
      create(options: readonly string[]): GPU;
    };
    return dawn.create(options);
  } catch (cause) {
    const { message } = cause as Error;
    // Engines say in their own words that there is no such package, and quote its name.
    if (/["']webgpu["']/.test(message)) return undefined;
    throw new DeviceError(
      `[device] the package 'webgpu' is here but does not load (${message.split('\n')[0]}): mend that, or pass backend: 'wasm'`,
      { cause },
    );
  }
}

/** What `requestDevice` may be told. */
export interface DeviceOptions {
  /** Refuses an adapter that a CPU plays. */
  readonly hardwareOnly?: boolean;
  readonly powerPreference?: 'low-power' | 'high-performance';
  /**
   * For so many seconds it asks again where no adapter opens; it gives up at once if left out. Where a device was lost there
   * may be none for a moment, until the browser has another GPU process or the driver is reset.
   */
  readonly retrySeconds?: number;
  /** Options for Dawn's instance, where this runs in Node: `disable-dawn-features=timestamp_quantization`, for a profile. */
  readonly dawn?: readonly string[];
}

const PAUSE_SECONDS = 0.25;

/**
 * A device with all that its adapter offers.
 * @throws DeviceError if there is no WebGPU, or no adapter; DataError for options that are none
 */
export async function requestDevice(options: DeviceOptions = {}): Promise<Device> {
  const { dawn, powerPreference, hardwareOnly, retrySeconds } = optionsOf('requestDevice', options, {
    dawn: [],
    powerPreference: 'high-performance',
    hardwareOnly: false,
    retrySeconds: 0,
  });
  const isKnown = ['high-performance', 'low-power'].includes(powerPreference);
  requireKind('requestDevice', 'powerPreference', powerPreference, isKnown, '"high-performance" or "low-power"');
  requireFinite('requestDevice', 'retrySeconds', retrySeconds, 0);
  const gpu = await findGpu(dawn);
  if (!gpu) {
    throw new DeviceError(
      "[device] no WebGPU here: use a browser that has it, install the package 'webgpu' in Node, or pass backend: 'wasm'",
    );
  }
  // Pauses are counted, and no clock is read: a laptop that slept has waited for nothing.
  for (let left = retrySeconds; ; left -= PAUSE_SECONDS) {
    try {
      return await open(gpu, powerPreference, hardwareOnly);
    } catch (error) {
      if (left <= 0) throw error;
      await new Promise((resolve) => void setTimeout(resolve, 1000 * PAUSE_SECONDS));
    }
  }
}

async function open(gpu: GPU, powerPreference: GPUPowerPreference, hardwareOnly: boolean): Promise<Device> {
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (!adapter) {
    throw new DeviceError(
      "[device] WebGPU found no adapter: install a Vulkan driver (Mesa 25 or newer, also in software), or pass backend: 'wasm'",
    );
  }
  if (hardwareOnly && isSoftware(adapter.info)) {
    throw new DeviceError(
      `[device] the only adapter, ${adapter.info.description}, is a CPU, but hardware was asked for: install the GPU's driver, or leave hardwareOnly out`,
    );
  }
  const [features, limits] = [requiredFeatures(adapter), requiredLimits(adapter)];
  const descriptor = { label: 'millrace', requiredFeatures: features, requiredLimits: limits };
  const device = await adapter.requestDevice(descriptor).catch((cause: unknown) => {
    throw new DeviceError(`[device] ${describe(adapter.info)} refused to open: another driver or adapter may help`, {
      cause,
    });
  });
  keepAlive.set(device, gpu);
  return device;
}

/** What an adapter offers. */
export interface AdapterReport extends AdapterSummary {
  /** Whether `requestDevice` takes it when it is not asked for another. */
  readonly isDefault: boolean;
  readonly features: readonly string[];
  /** By WebGPU's names. */
  readonly limits: Readonly<Record<string, number>>;
}

/** The adapters that WebGPU shows here, each once; none where there is no WebGPU. */
export async function adaptersHere(): Promise<readonly AdapterReport[]> {
  const gpu = await findGpu([]).catch(() => undefined);
  const wishes: readonly GPURequestAdapterOptions[] = [
    { powerPreference: 'high-performance' },
    { powerPreference: 'low-power' },
    { forceFallbackAdapter: true },
  ];
  const reports: AdapterReport[] = [];
  for (const wish of gpu ? wishes : []) {
    const adapter = await gpu!.requestAdapter(wish).catch(() => null);
    if (!adapter) continue;
    const about = summaryOf(adapter.info);
    if (reports.some(({ name }) => name === about.name)) continue;
    const features = [...adapter.features].sort();
    reports.push({ ...about, isDefault: wish === wishes[0], features, limits: limitsOf(adapter) });
  }
  return reports;
}

function isSoftware(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter === true || /llvmpipe|lavapipe|swiftshader|softpipe|basic render/i.test(describe(info));
}

const describe = (info: GPUAdapterInfo): string =>
  [info.vendor, info.architecture, info.device, info.description].filter(Boolean).join(' ');

/** How a device is named in reports. */
export const summarize = (device: Device): AdapterSummary => summaryOf(device.adapterInfo);

function summaryOf(info: GPUAdapterInfo): AdapterSummary {
  return {
    name: info.description || describe(info) || 'unnamed adapter',
    vendor: info.vendor,
    architecture: info.architecture,
    software: isSoftware(info),
  };
}

/** What the choice of kernels depends on. */
export function traitsOf(device: Device): AdapterTraits {
  const { limits, adapterInfo } = device;
  const { subgroupMinSize = 0, subgroupMaxSize = 0 } = adapterInfo;
  const isFixed = device.features.has('subgroups') && subgroupMinSize === subgroupMaxSize;
  return {
    software: isSoftware(adapterInfo),
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    subgroupSize: isFixed ? subgroupMinSize : 0,
  };
}
