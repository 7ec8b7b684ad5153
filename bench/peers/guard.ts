/**
 * What to ask of a device after waiting for it: a lost one answers at once, and has done nothing.
 * @returns what throws once the device is lost
 */
export function guardOf(device: GPUDevice): () => void {
  let loss: string | undefined;
  void device.lost.then(({ message }) => (loss = message || 'no reason is given'));
  return () => {
    if (loss !== undefined) throw new Error(`its device was lost: ${loss}`);
  };
}
