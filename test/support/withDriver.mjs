// Runs a Node program where Dawn has an adapter, in software if need be: `node test/support/withDriver.mjs dist/cli.js …`

import { spawn } from 'node:child_process';
import { softwareDriver } from './driver.mjs';

const child = spawn(process.execPath, process.argv.slice(2), {
  stdio: 'inherit',
  env: { ...process.env, ...(await softwareDriver()) },
});
// Ctrl-C reaches the whole group of processes: the program ends by itself, and this one with it.
process.on('SIGINT', () => {});
child.once('close', (code) => (process.exitCode = code ?? 1));
