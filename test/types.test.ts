import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compilerIn, installPacked, root } from './support/packed.ts';

/*
 * The packed package as programs of others see it: `test/types` has what must compile, and, each line behind a
 * `@ts-expect-error`, what must not. A text behind that is a part of what the compiler says.
 */

const compilers = { '5.4': 'typescript-5.4', '5.9': 'typescript-5.9', '7.0': 'typescript' } as const;

type Version = keyof typeof compilers;

interface Program {
  readonly lib: readonly string[];
  /** Packages of types that are taken in beside. */
  readonly types: readonly string[];
  readonly resolution: 'bundler' | 'nodenext';
}

const page: Program = { lib: ['ES2022', 'DOM'], types: [], resolution: 'bundler' };
const bare: Program = { lib: ['ES2022'], types: [], resolution: 'nodenext' };
const worker: Program = { lib: ['ESNext', 'WebWorker'], types: ['node'], resolution: 'nodenext' };
const gpu: Program = { lib: ['ES2022', 'DOM'], types: ['@webgpu/types', 'node'], resolution: 'nodenext' };

const programs: readonly (readonly [Version, Program])[] = [
  ['5.4', page],
  ['5.4', bare],
  ['5.4', gpu],
  ['5.9', page],
  ['5.9', bare],
  ['5.9', { ...gpu, types: ['@webgpu/types'] }],
  // The DOM of TypeScript 7 has the types of @webgpu/types, and cannot be had beside them.
  ['7.0', page],
  ['7.0', bare],
  ['7.0', worker],
];

/** Whether the program knows what a GPUDevice is. */
const knowsGpu = (version: Version, { lib, types }: Program): boolean =>
  types.includes('@webgpu/types') || (version === '7.0' && lib.length > 1);

const nameOf = (version: Version, { lib, types, resolution }: Program): string =>
  ['TypeScript', version, ...lib, ...types, resolution].join(' ');

let folder: string;
let fixtures: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-types-'));
  await installPacked(folder);
  await cp(join(root, 'test/types'), folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const name of ['@webgpu/types', '@types/node', 'undici-types']) {
    const link = join(folder, 'node_modules', name);
    await mkdir(join(link, '..'), { recursive: true });
    await symlink(join(root, 'node_modules', name), link);
  }
  fixtures = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
});

afterAll(() => rm(folder, { recursive: true }));

/** What a compiler says of some files, an error each. */
async function said(version: Version, program: Program, files: readonly string[]): Promise<string[]> {
  const { lib, types, resolution } = program;
  const config = join(folder, `tsconfig.${nameOf(version, program).replace(/[^a-z0-9.]/gi, '-')}.json`);
  const compilerOptions = {
    target: 'es2022',
    module: resolution === 'bundler' ? 'esnext' : resolution,
    moduleResolution: resolution,
    lib,
    types,
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
  };
  await writeFile(config, JSON.stringify({ compilerOptions, files }));
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [compilerIn(compilers[version]), '-p', config], { cwd: folder }, (_, out, failure) =>
      resolve(out + failure),
    );
  });
  // What belongs to an error is indented below it.
  return output.trim() === '' ? [] : output.trim().split(/\n(?! )/);
}

test.each(programs.map(([version, program]) => [nameOf(version, program), version, program] as const))(
  'a program of %s compiles, and its slips do not',
  async (_, version, program) => {
    const files = fixtures.filter((name) => name !== 'gpuDevice.ts' || knowsGpu(version, program));
    expect(await said(version, program, files)).toEqual([]);
  },
);

test.each(['5.9', '7.0'] as const)('TypeScript %s names a slip in its first two lines', async (version) => {
  const files = fixtures.filter((name) => name !== 'gpuDevice.ts');
  const sources = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  const told = await mkdtemp(join(folder, 'told-'));
  for (const [at, name] of files.entries()) {
    await writeFile(join(told, name), sources[at].replaceAll('@ts-expect-error', 'Refused:'));
  }
  const errors = await said(
    version,
    bare,
    files.map((name) => join(told, name)),
  );
  const missing = sources.flatMap((source, file) =>
    source.split('\n').flatMap((line, at) => {
      const text = /@ts-expect-error (.+)/.exec(line)?.[1];
      const error = errors.find((one) => one.includes(`/${files[file]}(${at + 2},`)) ?? '';
      const first = error.split('\n').slice(0, 2).join('\n');
      return text === undefined || first.includes(text) ? [] : [{ file: files[file], line: at + 2, text, error }];
    }),
  );
  expect(missing).toEqual([]);
});
