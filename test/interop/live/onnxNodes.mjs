// ONNX' own node tests, and its schema: test/interop/onnxNodes.test.ts runs them on all three places.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** @param {import('../live.mjs').Live} live */
export async function run({ python, folder, root }) {
  const [count, version] = (await python('onnx_node_tests.py', folder)).trim().split(' ');
  const args = [join(root, 'test/run.mjs'), 'test/interop/onnxNodes.test.ts'];
  const env = { ...process.env, MILLRACE_ONNX_NODES: folder };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env, maxBuffer: 2 ** 28 }).catch(
    (/** @type {{ stdout: string }} */ error) => {
      throw new Error(error.stdout);
    },
  );
  return `${count} tests of onnx ${version} and its schema: ${stdout.trim().split('\n').at(-1)}`;
}
