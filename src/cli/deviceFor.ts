import type { BackendName } from '../core/places.ts';
import { requestDevice } from '../gpu/device.ts';

/**
 * A device that several trainers are to share, or whose instance has options; none where `backend` takes none, or where there
 * is none: the trainer says so, or does without.
 */
export async function deviceFor(backend: BackendName, dawn: readonly string[] = []): Promise<GPUDevice | undefined> {
  if (backend === 'cpu' || backend === 'wasm') return undefined;
  return requestDevice({ dawn, hardwareOnly: backend === 'auto' }).catch(() => undefined);
}
