// The snippets of a page in Markdown, as modules that a compiler and a test take.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilerIn, root } from './packed.ts';

export interface Snippet {
  readonly heading: string;
  readonly text: string;
}

/** The snippets in TypeScript, each with the heading that it stands under. */
export function snippetsIn(markdown: string): Snippet[] {
  return markdown.split(/^(?=## )/m).flatMap((part) => {
    const heading = /^## (.*)/.exec(part)?.[1] ?? '';
    return Array.from(part.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => ({ heading, text: code }));
  });
}

/** The sources of the package's entries. */
export const entries = {
  millrace: join(root, 'src/index.ts'),
  'millrace/data': join(root, 'src/data/index.ts'),
  'millrace/interop': join(root, 'src/interop/index.ts'),
  'millrace/flower': join(root, 'src/flower/index.ts'),
  'millrace/node': join(root, 'src/node.ts'),
};

const IMPORT = /^import (?:type )?\{[^}]*\} from '(millrace(?:\/\w+)?)';.*\n/gm;

/** What a snippet imports from the package, from its sources; and the rest of it. */
export function withoutImports(text: string): { imports: string; body: string } {
  const imports = Array.from(text.matchAll(IMPORT), ([line, from]) =>
    line.replace(`'${from}'`, `'${entries[from as keyof typeof entries]}'`),
  );
  return { imports: imports.join(''), body: text.replaceAll(IMPORT, '') };
}

/** What a snippet says instead of the console. */
export type Said = { log(...things: unknown[]): void };

/** A module whose `run` runs a text, with the console that it is handed. */
export const runnable = (imports: string, body: string): string =>
  `${imports}export async function run(console: { log(...things: unknown[]): void }): Promise<void> {\n${body}\n}\n`;

/** What the compiler says of some files, whose tsconfig.json it writes into a folder. */
export function compiled(folder: string, files: readonly string[]): Promise<string> {
  const compilerOptions = {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['ES2024', 'DOM'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
  };
  const config = join(folder, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({ compilerOptions, files: [...files, join(root, 'src/wgsl.d.ts'), join(root, 'src/wasm.d.ts')] }),
  );
  return new Promise((resolve) => {
    execFile(process.execPath, [compilerIn('typescript'), '-p', config], (_, stdout) => resolve(stdout));
  });
}
