// The reference as plain data: what is exported, what its comment says, and its example.

import type { Declaration, Declarations, EntryName, Token } from './declarations.ts';
import { docCommentOf, type DocComment } from './docComment.ts';
import { exampleKey } from './exampleTexts.ts';
import { families } from './families.ts';

/** A member of a type or class. */
export interface Member {
  readonly name: string;
  readonly kind: string;
  readonly signature: readonly Token[];
  readonly doc: DocComment;
  readonly example: string | undefined;
}

/** One export. */
export interface Item {
  readonly entry: EntryName;
  /** Other entries that have it too. */
  readonly also: readonly EntryName[];
  /** With what it is below: `schedules.cosine`. */
  readonly name: string;
  readonly kind: string;
  readonly family: string;
  /** From the project's root: `src/nn/layers.ts`. */
  readonly path: string;
  /** One for each overload. */
  readonly signatures: readonly (readonly Token[])[];
  readonly doc: DocComment;
  readonly members: readonly Member[];
  readonly example: string | undefined;
}

/** A type or a class may be told by members; a function or a value is used, and has an example. */
export const isUsed = ({ kind }: { readonly kind: string }): boolean =>
  ['Function', 'Variable', 'Class', 'Method', 'Namespace'].includes(kind);

const pathOf = ({ fileUrlPath }: Declaration): string => fileUrlPath!.replace(/^types\//, '').replace(/\.d\.ts$/, '');

const isExported = ({ canonicalReference }: Declaration): boolean => !canonicalReference.includes('!~');

/** `export declare function f(…): T`, as the reference writes it. */
const signatureOf = ({ excerptTokens }: Declaration): readonly Token[] =>
  excerptTokens.map((token, at) => ({
    ...token,
    text: at === 0 ? token.text.replace(/^export (?:declare )?(?:abstract )?/, '') : token.text,
  }));

const membersOf = (of: Declaration, all: ReadonlyMap<string, Declaration>): readonly Declaration[] => {
  const inherited = (of.extendsTokenRanges ?? []).flatMap(({ startIndex, endIndex }) =>
    of.excerptTokens.slice(startIndex, endIndex).flatMap(({ canonicalReference }) => {
      const base = all.get(canonicalReference ?? '');
      // By a context options are told from it, and nobody sets it.
      return base?.kind === 'Interface' && base.name !== 'ContextLike' ? membersOf(base, all) : [];
    }),
  );
  const own = (of.members ?? []).filter(({ kind }) => kind !== 'Constructor');
  return [...own, ...inherited.filter(({ name }) => own.every((member) => member.name !== name))];
};

/** All exports of all entries, each once, in the order of families and names. */
export function referenceOf(declarations: Declarations, examples: ReadonlyMap<string, string>): readonly Item[] {
  const items = new Map<string, Item>();
  const add = (entry: EntryName, all: ReadonlyMap<string, Declaration>, declaration: Declaration, below = ''): void => {
    // What a name of the language's own has is numbered: `Report_2`.
    const name = below + declaration.name!.replace(/_\d+$/, '');
    const path = pathOf(declaration);
    const key = `${name} ${path}`;
    const before = items.get(key);
    if (before?.entry === entry) {
      items.set(key, { ...before, signatures: [...before.signatures, signatureOf(declaration)] });
    } else if (before) {
      if (!before.also.includes(entry)) items.set(key, { ...before, also: [...before.also, entry] });
    } else items.set(key, itemOf(entry, all, declaration, name, path, examples));
    if (declaration.kind === 'Namespace') {
      for (const member of declaration.members ?? []) add(entry, all, member, `${name}.`);
    }
  };
  for (const [entry, list] of Object.entries(declarations) as [EntryName, readonly Declaration[]][]) {
    const all = new Map(list.map((declaration) => [declaration.canonicalReference, declaration]));
    for (const declaration of list) if (isExported(declaration)) add(entry, all, declaration);
  }
  const rank = ({ family }: Item): number => families.findIndex(({ id }) => id === family);
  return [...items.values()].toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

function itemOf(
  entry: EntryName,
  all: ReadonlyMap<string, Declaration>,
  declaration: Declaration,
  name: string,
  path: string,
  examples: ReadonlyMap<string, string>,
): Item {
  const { kind, docComment } = declaration;
  const members = kind === 'Namespace' ? [] : membersOf(declaration, all);
  return {
    entry,
    also: [],
    name,
    kind,
    family: families.find((family) => family.has(path, name))?.id ?? '',
    path: `src/${path}.ts`,
    signatures: kind === 'Namespace' ? [] : [signatureOf(declaration)],
    doc: docCommentOf(docComment),
    members: members.map((member) => ({
      name: member.name ?? '',
      kind: member.kind,
      signature: signatureOf(member),
      doc: docCommentOf(member.docComment),
      example: examples.get(exampleKey(entry, `${name}.${member.name}`)),
    })),
    example: examples.get(exampleKey(entry, name)),
  };
}
