import { requestDevice, summarize } from '../src/gpu/device.ts';
import type { Peer } from './peers/peer.ts';
import type { Absent } from './run.ts';
import type { Environment } from './report.ts';

/** Where a page measures: its device, and the peers that were started there. */
export interface Place {
  readonly device: GPUDevice | undefined;
  readonly environment: Environment;
  /** Started once: a library and its device outlive a run. */
  readonly peers: Map<string, Promise<readonly (Peer | Absent)[]>>;
  /** Why the device is gone. */
  lost?: string;
  /** What WebGPU complained of, beside what the peers throw. */
  readonly complaints: string[];
}

/** Asks for a device; a place may do without. */
export async function openPlace(onLost: (place: Place) => void): Promise<Place> {
  const device = await requestDevice().catch(() => undefined);
  const { userAgent, hardwareConcurrency, platform } = navigator;
  const environment = {
    runtime: userAgent,
    machine: { cores: hardwareConcurrency, system: platform },
    adapter: device ? summarize(device) : null,
    toggles: [],
  };
  const place: Place = { device, environment, peers: new Map(), complaints: [] };
  device?.addEventListener('uncapturederror', ({ error }) => place.complaints.push(`WebGPU: ${error.message}`));
  void device?.lost.then(({ message }) => {
    place.lost = message || 'no reason is given';
    onLost(place);
  });
  return place;
}

/** The place in a line. */
export function describePlace({ environment: { adapter }, lost }: Place): string {
  if (lost !== undefined) return `The GPU's device was lost (${lost}). The next run asks for another one.`;
  if (!adapter) return 'There is no WebGPU here: only those that do without it are measured.';
  const kind = adapter.software ? ', which is software: a CPU plays the GPU' : '';
  return `WebGPU on ${adapter.name}${kind}.`;
}
