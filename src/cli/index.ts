#!/usr/bin/env node
import { DataError, DeviceError, FormatError, ShapeError } from '../index.ts';
import { help, parseCommand, UsageError } from './options.ts';
import { train } from './train.ts';

/** Errors that are the user's to mend: a sentence is enough, a stack would only hide it. */
const explained = [UsageError, DataError, DeviceError, FormatError, ShapeError];

async function main(): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  try {
    const command = parseCommand(process.argv.slice(2));
    if (command) return await train(command, interrupt.signal);
    process.stdout.write(help);
    return 0;
  } catch (error) {
    if (!explained.some((kind) => error instanceof kind)) throw error;
    const hint = error instanceof UsageError ? ' (millrace --help lists all options)' : '';
    process.stderr.write(`millrace: ${(error as Error).message}${hint}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main();
