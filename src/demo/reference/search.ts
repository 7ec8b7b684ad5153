/** What is searched: a name, and the sentence that says what it does. */
export interface Entry {
  readonly name: string;
  readonly sentence: string;
}

const plain = (text: string): string => text.toLowerCase().normalize('NFKD').replaceAll(/\p{M}/gu, '');

/** Whether an entry has all words of a query, in its name or at the beginning of a word of its sentence. */
export function matches({ name, sentence }: Entry, query: string): boolean {
  const [ofName, ofSentence] = [plain(name), plain(sentence)];
  const words = plain(query).split(/\s+/).filter(Boolean);
  return words.every(
    (word) => ofName.includes(word) || ofSentence.split(/[^\p{L}\p{N}]+/u).some((other) => other.startsWith(word)),
  );
}
