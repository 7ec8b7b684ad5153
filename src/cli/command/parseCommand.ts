import type {
  ChatCommand,
  Command,
  ConvertCommand,
  GenerateCommand,
  InspectCommand,
  PredictCommand,
  TranslateCommand,
} from './commands.ts';
import { nodeCommand } from './nodeCommand.ts';
import { optionsIn, requireNoMore, requireOnly, type Values } from './options.ts';
import { backendOf, given, groundOf, whole, yesOrNo } from './optionValues.ts';
import { readOptions, tableWishes } from './tableOptions.ts';
import { samplingOf, samplingOptions } from './textOptions.ts';
import { trainCommand } from './trainCommand.ts';
import { UsageError } from './usageError.ts';

const predictOptions: readonly string[] = ['backend', 'ground', 'invert', ...readOptions];

/** Reads a command; null asks for help. @throws UsageError */
export function parseCommand(args: readonly string[]): Command | null {
  const { values, positionals } = optionsIn(args);
  const [command, ...words] = positionals;
  if (values.help || command === undefined || command === 'help') return null;
  if (command === 'train') return trainCommand(words, values);
  if (command === 'node') return nodeCommand(words, values);
  if (command === 'predict') return predictCommand(words, values);
  if (command === 'generate') return generateCommand(words, values);
  if (command === 'translate') return translateCommand(words, values);
  if (command === 'chat') return chatCommand(words, values);
  if (command === 'inspect') return inspectCommand(words, values);
  if (command === 'convert') return convertCommand(words, values);
  if (command !== 'devices') {
    throw new UsageError(
      `there is no command "${command}": use train, node, predict, generate, translate, chat, inspect, convert or devices`,
    );
  }
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

/** Tokens that are generated unless it is said. */
const TOKENS = 500;

function generateCommand(words: readonly string[], values: Values): GenerateCommand {
  return {
    command: 'generate',
    model: modelOf('generate', 'text', words, 1),
    ...only('generate', values, ['prompt', 'tokens', ...samplingOptions]),
    prompt: values.prompt ?? '\n',
    tokens: whole('tokens', values.tokens ?? String(TOKENS), 1),
    ...samplingOf(values),
  };
}

/** Translations that are gone on with side by side. */
const BEAMS = 4;

function translateCommand(words: readonly string[], values: Values): TranslateCommand {
  return {
    command: 'translate',
    model: modelOf('translate', 'translation', words, 2),
    ...only('translate', values, ['beams', 'reference']),
    input: words[1],
    reference: values.reference,
    beams: whole('beams', values.beams ?? String(BEAMS), 1),
  };
}

function chatCommand(words: readonly string[], values: Values): ChatCommand {
  return {
    command: 'chat',
    model: modelOf('chat', 'dialogue', words, 1),
    ...only('chat', values, samplingOptions),
    ...samplingOf(values),
  };
}

/** The model's file, which is the first word. */
function modelOf(command: string, kind: string, words: readonly string[], most: number): string {
  if (words[0] === undefined) {
    throw new UsageError(`${command} needs a file: a model that train ${kind} --save wrote`);
  }
  requireNoMore(words, most);
  return words[0];
}

function only(command: string, values: Values, options: readonly string[]): Pick<GenerateCommand, 'backend'> {
  requireOnly(command, values, ['backend', ...options]);
  return { backend: backendOf(values) };
}

function inspectCommand(words: readonly string[], values: Values): InspectCommand {
  const [file] = words;
  if (file === undefined) {
    throw new UsageError('inspect needs a file: of ONNX, Keras, TensorFlow.js, safetensors, or of NumPy');
  }
  requireNoMore(words, 1);
  requireOnly('inspect', values, ['report']);
  return { command: 'inspect', file, report: values.report };
}

function convertCommand(words: readonly string[], values: Values): ConvertCommand {
  const [input, output] = words;
  if (input === undefined || output === undefined) {
    throw new UsageError('convert needs two files: what there is, and what is to be, as model.keras model.onnx');
  }
  requireNoMore(words, 2);
  requireOnly('convert', values, ['shape', 'opset']);
  return {
    command: 'convert',
    input,
    output,
    shape: given(values.shape, extents),
    opset: given(values.opset, (text) => whole('opset', text, 1)),
  };
}

/** `3,224,224` */
const extents = (text: string): number[] => text.split(',').map((extent) => whole('shape', extent, 1));
