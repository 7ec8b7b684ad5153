// docs/backpropagation.md as a page: rendered where the pages are built and served, so that the page itself runs nothing
// to show text and formulas.

import createMarkdownIt, { type MarkdownIt } from 'markdown-it';
import temml from 'temml';
import type { Plugin } from 'vite';
import { exportLinks, reader } from './api/pages.ts';

/** A link from the lesson to a line of the project. */
export interface SourceLink {
  /** What the link names in the file. */
  readonly name: string;
  /** From the project's root: `src/ops/products/matmul.ts`. */
  readonly path: string;
}

const SOURCE_LINK = /\[`(\w+)` in [\w/.]+\]\(\.\.\/((?:src|shaders)\/[\w/.]+)\)/g;

/** The links to sources in a text, in its order. */
export const sourceLinksOf = (markdown: string): SourceLink[] =>
  [...markdown.matchAll(SOURCE_LINK)].map(([, name, path]) => ({ name, path }));

/** The line of a source that defines a name, counted from 0; −1 if there is none. */
export function definitionOf(source: string, name: string): number {
  const definition = new RegExp(`^(?:export )?(?:async )?(?:const|function\\*?|class|interface|type|fn) ${name}\\b`);
  return source.split('\n').findIndex((line) => definition.test(line));
}

/**
 * A formula as MathML. Temml puts a few sizes into style attributes, which a strict Content-Security-Policy forbids; none
 * of them is missed. A single letter would be shown in the italics of a mathematical font, which not every machine has:
 * as a letter of its own kind it is slanted by the style sheet. The dot is taken where most fonts have one.
 */
const mathOf = (tex: string, displayMode: boolean): string =>
  temml
    .renderToString(tex, { displayMode, throwOnError: true })
    .replaceAll(/ style="[^"]*"/g, '')
    .replaceAll(/<mi(?: class="[\w-]+")?>(.)<\/mi>/gu, '<mi class="letter" mathvariant="normal">$1</mi>')
    .replaceAll('⋅', '·');

const DOLLAR = '$';

/** `$…$` within a line, and `$$` … `$$` on lines of their own. */
function addMath(md: MarkdownIt): void {
  md.inline.ruler.before('escape', 'math', (state, silent) => {
    if (state.src[state.pos] !== DOLLAR) return false;
    const end = state.src.indexOf(DOLLAR, state.pos + 1);
    if (end < 0) return false;
    if (!silent) state.push('math', 'math', 0).content = state.src.slice(state.pos + 1, end);
    state.pos = end + 1;
    return true;
  });
  md.block.ruler.before('fence', 'display', (state, first, last, silent) => {
    const lineAt = (line: number): string => state.src.slice(state.bMarks[line], state.eMarks[line]).trim();
    if (lineAt(first) !== '$$') return false;
    if (silent) return true;
    let end = first + 1;
    while (end < last && lineAt(end) !== '$$') end++;
    state.push('display', 'math', 0).content = state.getLines(first + 1, end, 0, false);
    state.line = end + 1;
    return true;
  });
  md.renderer.rules['math'] = (tokens, at) => mathOf(tokens[at].content, false);
  md.renderer.rules['display'] = (tokens, at) =>
    `<div class="display scroll">${mathOf(tokens[at].content, true)}</div>\n`;
}

/** An id of a heading, as GitHub makes it. */
const slugOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');

interface Heading {
  readonly id: string;
  readonly text: string;
}

/** Headings get ids, tables may be wider than the page, and links to sources lead to the page of sources. */
function addPlaces(md: MarkdownIt, chapters: Heading[]): void {
  let heading = '';
  md.renderer.rules['heading_open'] = (tokens, at, options, _env, self) => {
    heading = tokens[at + 1].content;
    const id = slugOf(heading);
    tokens[at].attrSet('id', id);
    if (tokens[at].tag === 'h2') chapters.push({ id, text: heading });
    return self.renderToken(tokens, at, options);
  };
  md.renderer.rules['table_open'] = () =>
    `<div class="scroll" role="region" tabindex="0" aria-label="Table: ${md.utils.escapeHtml(heading)}"><table>\n`;
  md.renderer.rules['table_close'] = () => '</table></div>\n';
  md.renderer.rules['link_open'] = (tokens, at, options, _env, self) => {
    const path = /^\.\.\/((?:src|shaders)\/.+)$/.exec(String(tokens[at].attrGet('href')))?.[1];
    if (path) tokens[at].attrSet('href', `source.html#${path}:${tokens[at + 1].content}`);
    return self.renderToken(tokens, at, options);
  };
}

/** What the script brings to life, with what stands there without it. */
const liveParts = (html: string): string =>
  html.replaceAll(/<!-- live: ([\w-]+) -->/g, '<div class="live" id="live-$1">').replaceAll('<!-- end -->', '</div>');

/** The lesson as HTML. */
export interface Lesson {
  /** What stands before the first chapter. */
  readonly introduction: string;
  /** The list of chapters. */
  readonly contents: string;
  readonly chapters: string;
}

export function renderLesson(markdown: string): Lesson {
  const md = createMarkdownIt({ html: true });
  const chapters: Heading[] = [];
  addMath(md);
  addPlaces(md, chapters);
  const html = liveParts(md.render(markdown));
  const first = html.indexOf('<h2');
  const items = chapters.map((chapter) => `<li><a href="#${chapter.id}">${chapter.text}</a></li>`);
  return {
    introduction: html.slice(0, first),
    contents: `<ol>${items.join('')}</ol>`,
    chapters: html.slice(first),
  };
}

/** Sources as HTML, each line that a link names marked. */
export function renderSources(links: readonly SourceLink[], read: (path: string) => string): string {
  const { escapeHtml } = createMarkdownIt().utils;
  const files = [...new Set(links.map(({ path }) => path))].sort().map((path) => {
    const source = read(path);
    const lines = escapeHtml(source.trimEnd()).split('\n');
    for (const name of new Set(links.filter((link) => link.path === path).map((link) => link.name))) {
      const at = definitionOf(source, name);
      if (at < 0) throw new Error(`[lesson] ${path} does not define ${name}, which a page links to`);
      lines[at] = `<mark id="${path}:${name}">${lines[at]}</mark>`;
    }
    const code = `<pre class="scroll" tabindex="0"><code>${lines.join('\n')}</code></pre>`;
    return `<section aria-labelledby="${path}"><h2 id="${path}">${path}</h2>${code}</section>`;
  });
  return files.join('\n');
}

/** Puts the lesson and the sources that the lesson and the reference link to into their pages' shells. @param root the project's folder */
export function lessonPages(root: string): Plugin {
  const read = reader(root);
  return {
    name: 'lesson',
    handleHotUpdate({ file, server }) {
      if (file.endsWith('docs/backpropagation.md')) server.ws.send({ type: 'full-reload' });
    },
    transformIndexHtml: {
      order: 'pre',
      handler(html, { path }) {
        if (path.endsWith('/docs/backpropagation.html')) {
          const parts = Object.entries(renderLesson(read('docs/backpropagation.md')));
          return parts.reduce((page, [name, part]) => page.replace(`<!-- ${name} -->`, () => part), html);
        }
        if (path.endsWith('/docs/source.html')) {
          return html.replace('<!-- sources -->', () =>
            renderSources([...sourceLinksOf(read('docs/backpropagation.md')), ...exportLinks(read)], read),
          );
        }
      },
    },
  };
}
