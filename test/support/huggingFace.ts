/** The least that a tokenizer.json says: one word is known. */
export const leastTokenizerJson = {
  model: {
    type: 'WordLevel',
    vocab: { a: 0 },
    unk_token: 'a',
  },
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  added_tokens: [],
};
