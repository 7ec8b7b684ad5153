import type { Command, PredictCommand } from './commands.ts';
import { optionsIn, requireNoMore, requireOnly, type Values } from './options.ts';
import { backendOf, given, groundOf, yesOrNo } from './optionValues.ts';
import { readOptions, tableWishes } from './tableOptions.ts';
import { trainCommand } from './trainCommand.ts';
import { UsageError } from './usageError.ts';

const predictOptions: readonly string[] = ['backend', 'ground', 'invert', ...readOptions];

/** Reads a command; null asks for help. @throws UsageError */
export function parseCommand(args: readonly string[]): Command | null {
  const { values, positionals } = optionsIn(args);
  const [command, ...words] = positionals;
  if (values.help || command === undefined || command === 'help') return null;
  if (command === 'train') return trainCommand(words, values);
  if (command === 'predict') return predictCommand(words, values);
  if (command !== 'devices') throw new UsageError(`there is no command "${command}": use train, predict or devices`);
  requireNoMore(words, 0);
  requireOnly('devices', values, []);
  return { command };
}

function predictCommand(words: readonly string[], values: Values): PredictCommand {
  const [model, input] = words;
  if (model === undefined || input === undefined) {
    throw new UsageError('predict needs two files: a model that train --save wrote, and a table or a file of images');
  }
  requireNoMore(words, 2);
  requireOnly('predict', values, predictOptions);
  return {
    command: 'predict',
    model,
    input,
    backend: backendOf(values),
    table: tableWishes(values),
    pictures: {
      ground: given(values.ground, groundOf),
      invert: given(values.invert, (text) => yesOrNo('invert', text)),
    },
  };
}
