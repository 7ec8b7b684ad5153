import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Plugin } from 'vite';
import type { SourceLink } from '../lesson.ts';
import { declarationsOf } from './declarations.ts';
import { exampleTexts, stageText } from './exampleTexts.ts';
import { renderReference, type ReferencePage } from './page.ts';
import { referenceOf } from './reference.ts';

const EXAMPLES = 'docs/api/examples';

/** The reference of the sources as they are. @param root the project's folder */
export async function readReference(root: string): Promise<ReferencePage> {
  const folder = join(root, EXAMPLES);
  return renderReference(referenceOf(await declarationsOf(root), exampleTexts(folder)), stageText(folder));
}

const FROM = /^export (?:type )?[^'"]* from '(\.[^']+)';/gm;
const DEFINES = /^export (?:declare )?(?:async )?(?:const|function\*?|class|interface|type) (\w+)/gm;
const OF_ENTRIES = ['src/index.ts', 'src/data/index.ts', 'src/interop/index.ts', 'src/flower/index.ts', 'src/node.ts'];

/** Each line that defines something in a file of which an entry exports something. @param read a file of the project's */
export function exportLinks(read: (path: string) => string, entries: readonly string[] = OF_ENTRIES): SourceLink[] {
  const paths = new Set<string>();
  const visit = (path: string): void => {
    for (const [, from] of read(path).matchAll(FROM)) {
      const file = posix.join(posix.dirname(path), from);
      if (paths.has(file)) continue;
      paths.add(file);
      if (file.endsWith('/index.ts')) visit(file);
    }
  };
  entries.forEach(visit);
  const files = [...paths].filter((path) => !path.endsWith('/index.ts'));
  return files.flatMap((path) => Array.from(read(path).matchAll(DEFINES), ([, name]) => ({ name, path })));
}

/** Puts the reference into its page's shell, once for each build or server. @param root the project's folder */
export function referencePages(root: string): Plugin {
  let page: Promise<ReferencePage> | undefined;
  return {
    name: 'reference',
    transformIndexHtml: {
      order: 'pre',
      async handler(html, { path }) {
        if (!path.endsWith('/docs/api.html')) return undefined;
        page ??= readReference(root);
        const parts = Object.entries(await page);
        return parts.reduce((whole, [name, part]) => whole.replace(`<!-- ${name} -->`, () => part), html);
      },
    },
  };
}

/** A file of the project's, by its path from the root. */
export const reader =
  (root: string) =>
  (path: string): string =>
    readFileSync(join(root, path), 'utf8');
