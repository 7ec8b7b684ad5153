import { dataset, readTokenizer, type Dataset, type Tokenizer } from '../data/index.ts';
import type { GenerateCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import { readModel, type KeptModel } from './modelFile.ts';
import { openModel } from './openModel.ts';
import type { TextForm } from './tasks/languageModel.ts';
import { harmless } from './terminal.ts';

/** Prints a text as it grows. Returns the exit code. */
export async function generate(command: GenerateCommand, signal: AbortSignal): Promise<number> {
  const model = await readModel(command.model);
  const form = textFormOf(command.model, model);
  if (form.turns) throw new UsageError(`generate is not for such a model: use millrace chat ${command.model}`);
  const tokenizer = readTokenizer(form.tokenizer);
  const prompt = tokenizer.encode(command.prompt);
  const predictor = await openModel(command.model, model, { backend: command.backend, data: windowOf(form) });
  try {
    process.stdout.write(command.prompt);
    const { tokens, temperature, topK, topP, seed } = command;
    const told = predictor.generate(prompt, { tokens, temperature, topK, topP, seed, signal });
    for await (const text of textOf(told, tokenizer)) process.stdout.write(harmless(text));
    process.stdout.write('\n');
    return 0;
  } finally {
    predictor.destroy();
  }
}

/** What a model's file says of texts. @throws UsageError where it is of something else */
export function textFormOf(path: string, { form: { input } }: KeptModel): TextForm {
  if (input.kind === 'text') return input;
  throw new UsageError(`${path} is of no text: give a model that millrace train text --save wrote`);
}

/** Samples as such a model takes them. */
export const windowOf = ({ context }: TextForm): Dataset =>
  dataset({ tokens: { data: new Int32Array(context), shape: [context] } });

/** Tokens that are looked at again, since one may be a part of a character, or want a blank before it. */
const LOOKED_AT = 64;

/** Bytes of a character at most. */
const LONGEST = 4;

/** A text's pieces, as soon as their characters are whole. */
export async function* textOf(tokens: AsyncIterable<number>, tokenizer: Tokenizer): AsyncGenerator<string> {
  let last: number[] = [];
  let [told, pending] = [0, 0];
  for await (const token of tokens) {
    last.push(token);
    const text = tokenizer.decode(last);
    if (text.endsWith('\uFFFD') && ++pending < LONGEST) continue;
    yield text.slice(told);
    pending = 0;
    if (last.length >= 2 * LOOKED_AT) last = last.slice(-LOOKED_AT);
    told = last.length < LOOKED_AT ? text.length : tokenizer.decode(last).length;
  }
  if (pending > 0) yield tokenizer.decode(last).slice(told);
}
