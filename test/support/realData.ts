import { existsSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env['MILLRACE_DATA'];

/** The folder of a published set; null, which is said loudly, where MILLRACE_DATA has none. Without it, test/run.mjs says so. */
export function realData(name: string): string | null {
  if (!folder) return null;
  const path = join(folder, name);
  if (existsSync(path)) return path;
  console.warn(`${path} is no folder: THE TESTS ON IT DID NOT RUN.`);
  return null;
}
