import { externalFilesOf } from '../../interop/index.ts';
import type { OpenFile } from './fileFormat.ts';

/** The files in which a model's tensors lie, as far as they are there. */
export async function filesBeside(file: OpenFile): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {};
  for (const name of externalFilesOf(file.bytes)) {
    const bytes = await file.beside(name);
    if (bytes) found[name] = bytes;
  }
  return found;
}
