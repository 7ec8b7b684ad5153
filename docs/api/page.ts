// The reference as HTML: all that it says is there without a script.

import createMarkdownIt from 'markdown-it';
import type { EntryName, Token } from './declarations.ts';
import type { DocComment } from './docComment.ts';
import { families } from './families.ts';
import type { Item, Member } from './reference.ts';

const md = createMarkdownIt();
const { escapeHtml } = md.utils;

const inline = (markdown: string): string => md.renderInline(markdown);

/** Where an export stands on the page. */
export const anchorOf = ({ entry, name }: Pick<Item, 'entry' | 'name'>): string =>
  entry === 'millrace' ? name : `${entry.split('/')[1]}.${name}`;

/** What a reference in a signature leads to. */
type Links = ReadonlyMap<string, string>;

/** Of all exports, by API Extractor's name for them. */
const linksOf = (items: readonly Item[]): Links =>
  new Map(items.map((item) => [`${item.entry} ${item.name}`, `#${anchorOf(item)}`]));

/** A signature, of which each type that is exported is a link. */
function codeOf(tokens: readonly Token[], entry: EntryName, links: Links): string {
  const parts = tokens.map(({ kind, text, canonicalReference }, at) => {
    const name = /!([\w.]+)/.exec(canonicalReference ?? '')?.[1]?.replace(/_\d+$/, '');
    const isLast = at === tokens.length - 1;
    const shown = escapeHtml(text.replace(isLast ? /;$/ : /_\d+$/, ''));
    const to = kind === 'Reference' && (links.get(`${entry} ${name}`) ?? links.get(`millrace ${name}`));
    return to ? `<a href="${to}">${shown}</a>` : shown;
  });
  return parts.join('');
}

const block = (html: string, label: string): string =>
  `<pre class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}"><code>${html}</code></pre>`;

/** Parameters, result, errors and source, as far as they exist. */
function facts({ parameters, returns, throws, source }: DocComment): string {
  const rows = [
    ...parameters.map(({ name, text }) => [`<code>${escapeHtml(name)}</code>`, inline(text)]),
    ...(returns ? [['gives', inline(returns)]] : []),
    ...throws.map((text) => ['throws', inline(text)]),
    ...(source ? [['source', inline(source)]] : []),
  ];
  if (rows.length === 0) return '';
  return `<dl class="facts">${rows.map(([term, text]) => `<div><dt>${term}</dt><dd>${text}</dd></div>`).join('')}</dl>`;
}

const said = (doc: DocComment): string =>
  `${doc.sentence ? `<p>${inline(doc.sentence)}</p>` : ''}${md.render(doc.rest)}${facts(doc)}`;

const exampleOf = (text: string | undefined, of: string): string =>
  text === undefined ? '' : block(escapeHtml(text), `Example of ${of}`);

const memberOf = (member: Member, item: Item, links: Links): string =>
  `<li><p class="signature"><code>${codeOf(member.signature, item.entry, links)}</code></p>${said(member.doc)}${exampleOf(member.example, `${item.name}.${member.name}`)}</li>`;

function itemOf(item: Item, links: Links): string {
  const { name, kind, entry, also, path, doc, signatures, members } = item;
  const anchor = anchorOf(item);
  const from = [entry, ...also].map((one) => `<code>${one}</code>`).join(', ');
  // Of a type with members they say it all, but for what it extends.
  const told = signatures.filter((tokens) => members.length === 0 || tokens.length > 1);
  const declared = told.map((tokens) => codeOf(tokens, entry, links)).join('\n');
  const source = `source.html#${path}:${name.split('.').at(-1)}`;
  return `<article aria-labelledby="${anchor}">
<h3 id="${anchor}"><a href="#${anchor}">${name}</a></h3>
<p class="from">${kind === 'TypeAlias' ? 'type' : kind.toLowerCase()} of ${from}, <a href="${source}">${path}</a></p>
${said(doc)}
${declared ? block(declared, `Signature of ${name}`) : ''}
${exampleOf(item.example, name)}
${members.length > 0 ? `<ul class="members">${members.map((member) => memberOf(member, item, links)).join('\n')}</ul>` : ''}
</article>`;
}

/** What stands in the page's places. */
export interface ReferencePage {
  readonly contents: string;
  readonly reference: string;
  /** What all examples may use. */
  readonly stage: string;
}

/** @param stage the text of what the examples use */
export function renderReference(items: readonly Item[], stage: string): ReferencePage {
  const links = linksOf(items);
  const kept = families.flatMap(({ id, title }) => {
    const own = items.filter(({ family }) => family === id);
    return own.length > 0 ? [{ id: `family-${id}`, title, own }] : [];
  });
  return {
    contents: `<ul>${kept.map(({ id, title }) => `<li><a href="#${id}">${title}</a></li>`).join('')}</ul>`,
    reference: kept
      .map(
        ({ id, title, own }) =>
          `<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>\n${own.map((item) => itemOf(item, links)).join('\n')}</section>`,
      )
      .join('\n'),
    stage: block(escapeHtml(stage), 'What the examples use'),
  };
}
