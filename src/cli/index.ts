#!/usr/bin/env node
import { FlowerError } from '../flower/index.ts';
import { DataError, DeviceError, FormatError, ShapeError } from '../index.ts';
import { waitQuietly } from '../node/quietWaits.ts';
import { chat } from './chat.ts';
import { convert } from './convert.ts';
import { devices } from './devices.ts';
import { inspect } from './inspect.ts';
import type { Command } from './command/commands.ts';
import { help } from './command/help.ts';
import { parseCommand } from './command/parseCommand.ts';
import { UsageError } from './command/usageError.ts';
import { node } from './node.ts';
import { predict } from './predict.ts';
import { generate } from './generate.ts';
import { translate } from './translate.ts';
import { harmless } from './terminal.ts';
import { INTERRUPTED, train } from './train.ts';

/** Errors that are the user's to mend: a sentence is enough, a stack would only hide it. */
const explained = [DataError, DeviceError, FlowerError, FormatError, ShapeError];

function run(command: Command): Promise<number> {
  switch (command.command) {
    case 'train':
      return interruptible((signal) => train(command, signal));
    case 'node':
      return interruptible((signal) => node(command, signal));
    case 'predict':
      return predict(command);
    case 'generate':
      return interruptible((signal) => generate(command, signal));
    case 'translate':
      return interruptible((signal) => translate(command, signal));
    case 'chat':
      return interruptible((signal) => chat(command, signal));
    case 'inspect':
      return inspect(command);
    case 'convert':
      return convert(command);
    case 'devices':
      return devices();
  }
}

/** The first Ctrl-C, or a friendly kill, ends work in order; the second finds no listener, and ends the process at once. */
async function interruptible(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const interrupt = new AbortController();
  for (const sign of ['SIGINT', 'SIGTERM'] as const) process.once(sign, () => interrupt.abort());
  try {
    return await work(interrupt.signal);
  } catch (error) {
    if (error === interrupt.signal.reason) return INTERRUPTED;
    throw error;
  }
}

/** What a mistake of the user's, or of the machine, is told by; null for one of ours. */
function explain(error: unknown): string | null {
  if (error instanceof UsageError) return `${error.message} (millrace --help lists all options)`;
  if (explained.some((kind) => error instanceof kind)) return (error as Error).message;
  if (error instanceof RangeError && /allocation|length/i.test(error.message)) {
    return `there is not enough memory (${error.message}): smaller --hidden or --batch, or less data`;
  }
  return null;
}

async function main(): Promise<number> {
  try {
    const command = parseCommand(process.argv.slice(2));
    if (command) return await run(command);
    process.stdout.write(help);
    return 0;
  } catch (error) {
    const text = explain(error);
    if (text === null) throw error;
    process.stderr.write(`millrace: ${harmless(text)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

// `millrace … | head` closes the pipe: there is nobody left to tell.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
waitQuietly();
process.exitCode = await main();
