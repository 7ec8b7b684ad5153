/*
 * Pieces of a text that no pair of tokens reaches beyond: a word with the blank before it, digits, signs, blanks. All
 * pieces together are the text. They end after 64 characters, so that no text takes long. After GPT-2's.
 */

const PIECE = / ?[\p{L}\p{M}]{1,64}| ?\p{N}{1,64}| ?[^\s\p{L}\p{M}\p{N}]{1,64}|\s{1,64}(?!\S)|\s/gu;

export const piecesOf = (text: string): string[] => text.match(PIECE) ?? [];
