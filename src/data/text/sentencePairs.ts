import { requireKind } from '../../core/argumentChecks.ts';
import { DataError } from '../../core/errors.ts';
import { counted } from '../../core/textFormat.ts';
import { linesIn } from './readText.ts';

/** A sentence and its translation, or a question and its answer. */
export type SentencePair = readonly [source: string, target: string];

/** A text with the name of its file, for messages. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/**
 * The lines of two texts in pairs, line by line. Pairs of which a side is empty are passed over.
 * @throws DataError if one has more lines than the other
 */
export function pairedLines(source: NamedText, target: NamedText): SentencePair[] {
  for (const [name, given] of Object.entries({ source, target })) {
    const { name: file, text } = Object(given) as NamedText;
    const is = typeof file === 'string' && typeof text === 'string';
    requireKind('pairedLines', name, given, is, 'a text and its name: { name, text }');
  }
  const [lines, others] = [linesIn(source.text), linesIn(target.text)];
  if (lines.length !== others.length) {
    throw new DataError(
      `[pairedLines] ${source.name} has ${counted(lines.length, 'line')} but ${target.name} has ${others.length}: a line of one belongs to the same line of the other, so give files of as many`,
    );
  }
  return lines.flatMap((line, at) => {
    const pair = [line.trim(), others[at].trim()] as const;
    return pair.includes('') ? [] : [pair];
  });
}

const isPair = (pair: unknown): boolean =>
  Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === 'string');

/** @throws DataError for what is no list of pairs */
export function requirePairs(where: string, given: readonly SentencePair[]): void {
  const are = Array.isArray(given) && given.length > 0 && given.every(isPair);
  requireKind(where, 'what is given', given, are, 'pairs of texts, as pairedLines gives them');
}
