import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EntryName } from './declarations.ts';

/** The objects of examples that are not of `millrace`, by name. */
const ofEntry: Readonly<Record<string, EntryName>> = {
  sets: 'millrace/data',
  tables: 'millrace/data',
  texts: 'millrace/data',
  sounds: 'millrace/data',
  interop: 'millrace/interop',
  torch: 'millrace/interop',
  flower: 'millrace/flower',
  inNode: 'millrace/node',
};

const OBJECT = /^export const (\w+): Examples = \{\n([\s\S]*?)^\};/gm;
const METHOD = /^ {2}(?:async )?'?([\w.]+)'?\(\) \{\n([\s\S]*?)^ {2}\},/gm;

/** The key of an example: `millrace/data split`, `millrace Trainer.fit`. */
export const exampleKey = (entry: EntryName, name: string): string => `${entry} ${name}`;

/** The text of each example, by entry and name; Prettier keeps them in one form. @param folder of examples */
export function exampleTexts(folder: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const file of readdirSync(folder)) {
    for (const [, object, examples] of readFileSync(join(folder, file), 'utf8').matchAll(OBJECT)) {
      for (const [, name, body] of examples.matchAll(METHOD)) {
        texts.set(exampleKey(ofEntry[object] ?? 'millrace', name), body.replaceAll(/^ {4}/gm, '').trimEnd());
      }
    }
  }
  return texts;
}

/** What all examples may use. @param folder of examples */
export const stageText = (folder: string): string =>
  readFileSync(join(folder, 'stage.ts'), 'utf8')
    .split(/^\/\/ <\/?stage>\n/m)[1]
    .replaceAll('export ', '')
    .trimEnd();
