// What the package exports, as API Extractor reads it from the declarations that the package ships.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';

/** A piece of a declaration's text; of a reference, what it names. */
export interface Token {
  readonly kind: 'Content' | 'Reference';
  readonly text: string;
  readonly canonicalReference?: string;
}

/** A declaration as API Extractor writes it. */
export interface Declaration {
  readonly kind: string;
  readonly canonicalReference: string;
  readonly name?: string;
  /** With its asterisks, and each tag a paragraph. */
  readonly docComment: string;
  readonly excerptTokens: readonly Token[];
  /** `types/nn/layers.d.ts`. */
  readonly fileUrlPath?: string;
  readonly overloadIndex?: number;
  readonly isStatic?: boolean;
  readonly extendsTokenRanges?: readonly { readonly startIndex: number; readonly endIndex: number }[];
  readonly members?: readonly Declaration[];
}

/** The entries of the package, and the declarations that each begins with. */
export const entryPoints = {
  millrace: 'index.d.ts',
  'millrace/data': 'data/index.d.ts',
  'millrace/interop': 'interop/index.d.ts',
  'millrace/flower': 'flower/index.d.ts',
  'millrace/node': 'node.d.ts',
} as const;

export type EntryName = keyof typeof entryPoints;

const compilerOptions = {
  target: 'es2022',
  module: 'esnext',
  moduleResolution: 'bundler',
  lib: ['ES2023', 'WebWorker'],
  types: ['@webgpu/types', 'node'],
  strict: true,
  skipLibCheck: true,
  noEmit: true,
};

const configOf = (folder: string, name: string, file: string): ExtractorConfig =>
  ExtractorConfig.prepare({
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, 'types', file),
      compiler: { overrideTsconfig: { compilerOptions, include: ['types'] } },
      apiReport: { enabled: false, reportFileName: 'report.md' },
      docModel: {
        enabled: true,
        apiJsonFilePath: join(folder, `${name.replace('/', '-')}.api.json`),
        includeForgottenExports: true,
      },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
  });

/** A namespace's own comment stands where it is exported, which API Extractor passes over. */
async function withComment(folder: string, declaration: Declaration): Promise<Declaration> {
  if (declaration.kind !== 'Namespace') return declaration;
  const text = await readFile(join(folder, declaration.fileUrlPath!), 'utf8');
  const [, docComment = ''] =
    new RegExp(`(/\\*\\*(?:(?!\\*/)[^])*\\*/)\\nexport \\* as ${declaration.name} `).exec(text) ?? [];
  return { ...declaration, docComment };
}

export type Declarations = Readonly<Record<EntryName, readonly Declaration[]>>;

/** What the declarations depend on: the sources, and this file. */
async function digestOf(root: string): Promise<string> {
  const hash = createHash('sha256');
  const names = await readdir(join(root, 'src'), { recursive: true });
  const sources = names.filter((name) => name.endsWith('.ts')).toSorted();
  for (const name of [...sources.map((source) => join('src', source)), 'docs/api/declarations.ts']) {
    hash.update(`${name}\n`).update(await readFile(join(root, name)));
  }
  return hash.digest('hex');
}

/**
 * The declarations of each entry; of those that it only names, too. They take the compilers half a minute, so they are kept
 * for as long as the sources stay as they are.
 * @param root the project's folder
 */
export async function declarationsOf(root: string): Promise<Declarations> {
  const folder = join(root, 'node_modules/.cache/millrace');
  const file = join(folder, 'declarations.json');
  const digest = await digestOf(root);
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as { readonly digest: string; readonly of: Declarations };
    if (kept.digest === digest) return kept.of;
  } catch {
    // There is none yet, or half of one.
  }
  const of = await extracted(root);
  await mkdir(folder, { recursive: true });
  await writeFile(file, JSON.stringify({ digest, of }));
  return of;
}

async function extracted(root: string): Promise<Declarations> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-reference-'));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const types = join(folder, 'types');
    await promisify(execFile)(process.execPath, [tsc, '-p', join(root, 'tsconfig.types.json'), '--outDir', types]);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'millrace', version: '0.0.0' }));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const configs = Object.entries(entryPoints).map(([name, file]) => configOf(folder, name, file));
    const compilerState = CompilerState.create(configs[0], {
      additionalEntryPoints: configs.slice(1).map(({ mainEntryPointFilePath }) => mainEntryPointFilePath),
    });
    const models = configs.map(async (config) => {
      // What is no TSDoc to the letter, as a parameter without a hyphen, it tells of and takes.
      Extractor.invoke(config, { compilerState, messageCallback: (message) => void (message.handled = true) });
      const model = JSON.parse(await readFile(config.apiJsonFilePath, 'utf8')) as {
        readonly members: readonly [{ readonly members: readonly Declaration[] }];
      };
      return Promise.all(model.members[0].members.map((one) => withComment(folder, one)));
    });
    const [core, data, interop, flower, node] = await Promise.all(models);
    return {
      millrace: core,
      'millrace/data': data,
      'millrace/interop': interop,
      'millrace/flower': flower,
      'millrace/node': node,
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
