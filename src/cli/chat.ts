import { createInterface } from 'node:readline';
import type { Predictor } from '../index.ts';
import { readTokenizer } from '../data/index.ts';
import type { ChatCommand } from './command/commands.ts';
import { UsageError } from './command/usageError.ts';
import { textFormOf, textOf, windowOf } from './generate.ts';
import { readModel } from './modelFile.ts';
import { openModel } from './openModel.ts';
import { askedBy } from './tasks/dialogues.ts';
import type { TextForm } from './tasks/languageModel.ts';
import { harmless } from './terminal.ts';

/** Answers what is asked, line by line, each by itself: nothing is remembered. Returns the exit code. */
export async function chat(command: ChatCommand, signal: AbortSignal): Promise<number> {
  const model = await readModel(command.model);
  const form = textFormOf(command.model, model);
  if (!form.turns) throw new UsageError(`chat is not for such a model: use millrace generate ${command.model}`);
  const predictor = await openModel(command.model, model, { backend: command.backend, data: windowOf(form) });
  const lines = createInterface({ input: process.stdin });
  signal.addEventListener('abort', () => lines.close());
  try {
    invite();
    for await (const line of lines) {
      if (line.trim() !== '') await answer(line.trim(), predictor, form, { command, signal });
      invite();
    }
    return 0;
  } finally {
    predictor.destroy();
  }
}

const invite = (): void => void (process.stdin.isTTY && process.stdout.write('> '));

interface Asked {
  readonly command: ChatCommand;
  readonly signal: AbortSignal;
}

async function answer(
  question: string,
  predictor: Predictor,
  form: TextForm,
  { command, signal }: Asked,
): Promise<void> {
  const tokenizer = readTokenizer(form.tokenizer);
  const asked = askedBy(question, tokenizer);
  const tokens = form.context + 1 - asked.length;
  if (tokens < 1) {
    process.stdout.write(`(${asked.length} tokens are more than the ${form.context} that it has learned to look at)\n`);
    return;
  }
  // What was learned is said as it was, unless it is told to vary.
  const { temperature = 0, topK, topP, seed } = command;
  const stop = tokenizer.special.end!;
  const told = predictor.generate(asked, { tokens, temperature, topK, topP, seed, stop, signal });
  for await (const text of textOf(told, tokenizer)) process.stdout.write(harmless(text));
  process.stdout.write('\n');
}
