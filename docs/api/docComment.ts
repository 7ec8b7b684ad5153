/** What a doc comment says, tag by tag; in Markdown. */
export interface DocComment {
  /** Its first sentence. */
  readonly sentence: string;
  /** What follows it. */
  readonly rest: string;
  readonly parameters: readonly { readonly name: string; readonly text: string }[];
  readonly returns: string;
  readonly throws: readonly string[];
  /** Where it comes from: a paper, a book, another library. */
  readonly source: string;
}

const TAGS = /^(?=@(?:param|returns|throws)\b)/m;

/** The text between the comment's marks. */
const insideOf = (comment: string): string =>
  comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();

/** Where the first sentence ends: at a full stop behind which something else begins, or with its paragraph. */
function endOfSentence(text: string): number {
  const paragraph = /\n\s*\n/.exec(text)?.index ?? text.length;
  const stop = /[.?](?=\s+[A-Z`[({∂Σ√‖])/.exec(text.slice(0, paragraph));
  return stop ? stop.index + 1 : paragraph;
}

/** A text, and what it says of its source at its end. */
function partsOf(text: string): [own: string, source: string] {
  const at = text.search(/(?<=^|\s)Source: /);
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 'Source: '.length).trim()];
}

/** Reads a comment as API Extractor gives it, each tag a paragraph of its own; or an empty one. */
export function docCommentOf(comment: string): DocComment {
  const parts = insideOf(comment).split(TAGS).map(partsOf);
  const texts = parts.map(([own]) => own);
  const tagged = (tag: string): string[] =>
    texts.flatMap((text) => (text.startsWith(`@${tag}`) ? [text.slice(tag.length + 1).trim()] : []));
  const summary = texts[0].startsWith('@') ? '' : texts[0];
  const end = endOfSentence(summary);
  return {
    sentence: summary.slice(0, end).replaceAll(/\s+/g, ' '),
    rest: summary.slice(end).trim(),
    parameters: tagged('param').map((text) => {
      const [, name, about] = /^([\w.]+)\s*-?\s*([\s\S]*)$/.exec(text) ?? ['', '', text];
      return { name, text: about };
    }),
    returns: tagged('returns').join(' '),
    throws: tagged('throws'),
    source: parts
      .map(([, source]) => source)
      .filter(Boolean)
      .join('; '),
  };
}
