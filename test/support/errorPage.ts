// docs/errors.md as data.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { patternOf } from './errorSites.ts';

export interface Entry {
  /** As it stands on the page: placeholders between < and >, … at the end for more words. */
  readonly text: string;
  readonly kind: string;
  /** Why, and what to do. */
  readonly remedy: string;
  /** Messages of this entry. */
  readonly pattern: RegExp;
}

const page = fileURLToPath(new URL('../../docs/errors.md', import.meta.url));

const PLACEHOLDER = /<[^<>]*>/;
const GOES_ON = /…$/;

/** Every item of the page that gives a text. */
export const itemsOf = (source = readFileSync(page, 'utf8')): readonly string[] => source.match(/^- `.*$/gm) ?? [];

/** The text without what says that it goes on. */
export const ownText = ({ text }: Entry): string => text.replace(GOES_ON, '');

/** Each entry is an item of two lines: the text as code, then its kind in bold and its remedy. */
export function readErrorPage(source = readFileSync(page, 'utf8')): readonly Entry[] {
  const items = source.matchAll(/^- (`+)(.+)\1\\\n {2}\*\*(\w+)\*\* (.+)$/gm);
  return [...items].map(([, , text, kind, remedy]) => ({
    text,
    kind,
    remedy,
    pattern: patternOf(text, GOES_ON.test(text) ? new RegExp(`${PLACEHOLDER.source}|${GOES_ON.source}`) : PLACEHOLDER),
  }));
}
