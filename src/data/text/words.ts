/*
 * A text as words: letters, numbers and signs apart. English contractions are cut as treebanks do, do n't and it 's, so that
 * a text that was cut before, as those of published sets are, and one that somebody types come to the same words.
 */

const LETTERS = String.raw`[\p{L}\p{M}]`;
const WORD = new RegExp(
  [
    // What stands before n't, n't, and the other endings.
    `${LETTERS}+?(?=n't(?!${LETTERS}))`,
    `n't(?!${LETTERS})`,
    `'(?:s|ve|re|d|ll|m|t)(?!${LETTERS})`,
    `${LETTERS}+`,
    String.raw`\p{N}+(?:[.,]\p{N}+)*`,
    // The same sign again and again is one word.
    String.raw`([^\s\p{L}\p{M}\p{N}])\1*`,
  ].join('|'),
  'gu',
);

/** The words of a text, in its order, without the blanks. */
export const wordsOf = (text: string, lowerCase: boolean): string[] => {
  const plain = text.normalize('NFC').replaceAll('’', "'");
  return (lowerCase ? plain.toLowerCase() : plain).match(WORD) ?? [];
};
