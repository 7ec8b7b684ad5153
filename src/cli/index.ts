#!/usr/bin/env node
import { DataError, DeviceError, FormatError, ShapeError } from '../index.ts';
import { devices } from './devices.ts';
import { help, parseCommand, UsageError, type Command } from './options.ts';
import { predict } from './predict.ts';
import { train } from './train.ts';

/** Errors that are the user's to mend: a sentence is enough, a stack would only hide it. */
const explained = [UsageError, DataError, DeviceError, FormatError, ShapeError];

/** Of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

function run(command: Command, signal: AbortSignal): Promise<number> {
  switch (command.command) {
    case 'train':
      return train(command, signal);
    case 'predict':
      return predict(command);
    case 'devices':
      return devices();
  }
}

async function main(): Promise<number> {
  const interrupt = new AbortController();
  // The second Ctrl-C finds no listener, and ends the process at once.
  process.once('SIGINT', () => interrupt.abort());
  try {
    const command = parseCommand(process.argv.slice(2));
    if (command) return await run(command, interrupt.signal);
    process.stdout.write(help);
    return 0;
  } catch (error) {
    if (interrupt.signal.aborted) return INTERRUPTED;
    if (!explained.some((kind) => error instanceof kind)) throw error;
    const hint = error instanceof UsageError ? ' (millrace --help lists all options)' : '';
    process.stderr.write(`millrace: ${(error as Error).message}${hint}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

// `millrace … | head` closes the pipe: there is nobody left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.exitCode = await main();
