import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { link } from '../src/gpu/link.ts';
import { sharedDevice } from './support/device.ts';

const folder = fileURLToPath(new URL('../shaders', import.meta.url));
/** Texts that are linked into kernels; all others are kernels, valid on their own. */
const PARTS = ['functions', 'operands', 'products/forms', 'attention/forms', 'recurrent/cells', 'riders'].map((part) =>
  join(folder, part),
);
const allIn = (path: string, ending: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(path, name));
const filesIn = (path: string): string[] => allIn(path, '.wgsl');
const kernels = filesIn(folder).filter((path) => !PARTS.some((part) => path.startsWith(part)));

const STORAGE_BUFFERS_BY_DEFAULT = 8;

/** What an entry point does before it returns early that stores numbers, itself or by a function: each name of either. */
function storedBeforeReturn(text: string): string[] {
  const functions = [...text.matchAll(/^(@compute[^{]*)?fn (\w+)\([^{]*\{([\s\S]*?)^\}/gm)];
  const numbers = [...text.matchAll(/read_write> (\w+): array<(?!u32|atomic)/g)].map(([, name]) => name);
  const stores = new Map(numbers.map((name) => [name, new RegExp(`\\b${name}\\[.*\\] = `)]));
  const found = (body: string): string[] => [...stores].flatMap(([name, use]) => (use.test(body) ? [name] : []));
  // A stub, which a launch with sums replaces.
  stores.set('store_sums', /\bstore_sums\(/);
  for (let known = 0; known < stores.size;) {
    known = stores.size;
    for (const [, , name, body] of functions) if (found(body).length > 0) stores.set(name, new RegExp(`\\b${name}\\(`));
  }
  const entries = functions.filter(([, entry]) => entry);
  expect(entries).toHaveLength([...text.matchAll(/@compute/g)].length);
  return entries.flatMap(([, , , body]) => found(body.slice(0, Math.max(0, body.lastIndexOf('return;')))));
}

describe.each(kernels.map((path) => [basename(path), path]))('kernel %s', (name, path) => {
  const text = readFileSync(path, 'utf8');

  test('is valid on its own', async () => {
    const device = await sharedDevice();
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code: text });
    const { messages } = await module.getCompilationInfo();
    await device.popErrorScope();
    expect(messages.map(({ lineNum, message }) => `${name}:${lineNum} ${message}`)).toEqual([]);
  });

  test('says in two lines what it computes and who computes what', () => {
    const [formula, who] = text.split('\n');
    expect(formula).toMatch(/^\/\/ .*[=:]/);
    expect(who).toMatch(/^\/\/ .*([Oo]ne (invocation|workgroup)|[Ww]ho)/);
  });

  test('has no name of those that are linked into it to look at what it stores', () => {
    expect(text).not.toMatch(/\b(look_at|looked_at|looked_at_four|count_bad|worst)\b/);
  });

  test('stores nothing before it returns early: what was bad of what it stored is counted at its end', () => {
    expect(storedBeforeReturn(text)).toEqual([]);
  });

  test('numbers its bindings from 0, the uniform last, within the default limit', () => {
    const bindings = [...text.matchAll(/^@group\(0\) @binding\((\d+)\) var<(\w+)/gm)];
    expect(bindings).toHaveLength([...text.matchAll(/@binding/g)].length);
    expect(bindings.map(([, number]) => Number(number))).toEqual(bindings.map((_, at) => at));
    expect(bindings.map(([, , kind]) => kind).indexOf('uniform')).toBe(bindings.length - 1);
    expect(bindings.length - 1).toBeLessThanOrEqual(STORAGE_BUFFERS_BY_DEFAULT);
  });
});

test.each(filesIn(join(folder, 'products/forms')).map((path) => [basename(path), path]))(
  'form %s is valid behind matmul.wgsl, the only entry point, and stores nothing before it returns early',
  async (name, path) => {
    const text = `${readFileSync(join(folder, 'products/matmul.wgsl'), 'utf8')}\n${readFileSync(path, 'utf8')}`;
    const device = await sharedDevice();
    device.pushErrorScope('validation');
    const { messages } = await device.createShaderModule({ code: text }).getCompilationInfo();
    await device.popErrorScope();
    expect(messages.map(({ lineNum, message }) => `${name}:${lineNum} ${message}`)).toEqual([]);
    expect(text.match(/@compute/g)).toHaveLength(1);
    expect(storedBeforeReturn(text)).toEqual([]);
  },
);

describe.each(filesIn(join(folder, 'functions')).map((path) => [basename(path), path]))(
  'functions of %s',
  (_, path) => {
    test('are functions and nothing else, but what they keep to themselves', () => {
      const text = readFileSync(path, 'utf8')
        .replace(/\/\/.*$/gm, '')
        .replace(/^var<private> .*$/gm, '')
        .replace(/^fn [^{]*\{[\s\S]*?^\}/gm, '');
      expect(text.trim()).toBe('');
    });
  },
);

// Dawn puts a second counter, of 64 bits, into every loop that it cannot prove to end. It proves these (loop_analysis.cc):
// steps of one up to a constant, or down to zero, while nothing else stores to what is counted.
const CONSTANT = /^(?:0x[0-9a-f]+u|\d+u?|[A-Z][A-Z_]*)(?: [*/] (?:\d+u|[A-Z][A-Z_]*))*$/;
const isProven = (head: string): boolean => {
  const [, index, , bound, step] = /^for \(var (\w+) = ([^;]+); ([^;]+); ([^;]+)\) \{$/.exec(head) ?? [];
  if (index === undefined) return false;
  if (step === `${index}--`) return bound === `${index} > 0u`;
  return step === `${index}++` && bound.startsWith(`${index} < `) && CONSTANT.test(bound.slice(index.length + 3));
};
const sources = fileURLToPath(new URL('../src', import.meta.url));

test('every loop is of a form that Dawn proves to end', () => {
  const paths = [...allIn(folder, '.wgsl'), ...allIn(sources, '.ts')];
  const unproven = paths.flatMap((path) => {
    const heads = readFileSync(path, 'utf8').matchAll(
      path.endsWith('.ts') ? /\bfor \(var .*/g : /^ *((?:for|while|loop)\b.*)/gm,
    );
    return (
      [...heads]
        .map(([all, head = all]) => head)
        // What a template puts in is a number by then.
        .filter((head) => !isProven(head.replace(/\$\{.*?\}/g, '1')))
        .map((head) => `${basename(path)}: ${head}`)
    );
  });
  expect(unproven).toEqual([]);
});

/** Bytes that a type has and is aligned to, in a uniform; what is put in for an alias is a struct of whole vectors. */
function extentOf(type: string, structs: ReadonlyMap<string, string>, told: (what: string) => void): [number, number] {
  const [, vector = type, count = '1'] = /^array<(vec4[fiu]), (\d+)>$/.exec(type) ?? [];
  const lanes = /^vec([234])[fiu]$/.exec(vector)?.[1];
  if (lanes) return [4 * Number(lanes) * Number(count), lanes === '2' ? 8 : 16];
  if (/^([fiu]32|X)$/.test(type)) return [4, 4];
  if (/^[A-Z]+$/.test(type)) return [16, 16];
  const members = structs.get(type);
  if (members === undefined) told(`${type} has elements that are no whole vectors`);
  let end = 0;
  let behindStruct = false;
  for (const [, align, size, name, of] of (members ?? '').matchAll(
    /^ +(?:@align\((\d+)\) )?(?:@size\((\d+)\) )?(\w+): ([^\n]+),$/gm,
  )) {
    const [bytes, natural] = extentOf(of, structs, told);
    const at = Math.ceil(end / Math.max(natural, Number(align ?? 1))) * Math.max(natural, Number(align ?? 1));
    if ((structs.has(of) || behindStruct) && at % 16 > 0) told(`${type}.${name} is at byte ${at}`);
    [end, behindStruct] = [at + Number(size ?? bytes), structs.has(of)];
  }
  return [Math.ceil(end / 4) * 4, 4];
}

// Dawn has WGSL's extension uniform_buffer_standard_layout, and wgpu has not: without it a struct in a uniform, and what is
// behind it, begin with a whole vector, and elements of arrays are whole vectors.
test.each(filesIn(folder).map((path) => [basename(path), path]))('uniforms of %s need no extension', (_, path) => {
  const text = readFileSync(path, 'utf8').replace(/ *\/\/.*$/gm, '');
  const structs = new Map(
    [...text.matchAll(/^struct (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, name, body]) => [name, body]),
  );
  const found: string[] = [];
  for (const type of ['Sizes', 'Besides', 'Operands']) {
    if (structs.has(type)) extentOf(type, structs, (what) => void found.push(what));
  }
  expect(found).toEqual([]);
});

describe.each(filesIn(join(folder, 'riders')).map((path) => [basename(path), path]))('rider %s', (_, path) => {
  test('is functions, constants, and the struct of its words: it does besides(i)', () => {
    const text = readFileSync(path, 'utf8').replace(/\/\/.*$/gm, '');
    expect(text).toMatch(/^fn besides\(i: u32\) \{$/m);
    const rest = text
      .replace(/^fn [^{]*\{[\s\S]*?^\}/gm, '')
      .replace(/^struct Besides \{[\s\S]*?^\}/m, '')
      .replace(/^const .*;$/gm, '');
    expect(rest.trim()).toBe('');
  });
});

describe('link', () => {
  const source =
    'const N = 1u;\nalias X = f32;\n@group(0) @binding(0) var<storage, read> x: array<X>;\n\nfn f(a: X) -> X {\n  if (a > 0) {\n    return a;\n  }\n  return a;\n}\n';
  test('replaces a whole function, a constant and an alias, and adds what they read', () => {
    const text = link({
      name: 'k',
      source,
      functions: { f: 'fn f(a: X) -> X {\n  return y[0];\n}' },
      constants: { N: '2u', X: 'i32' },
      includes: ['fn g() {}', 'fn g() {}'],
      reads: { y: 'f32' },
      writes: { z: 'u32' },
    });
    expect(text).toBe(
      [
        'fn g() {}',
        '@group(0) @binding(1) var<storage, read> y: array<f32>;',
        '@group(0) @binding(2) var<storage, read_write> z: array<u32>;',
        'const N = 2u;\nalias X = i32;\n@group(0) @binding(0) var<storage, read> x: array<X>;\n\nfn f(a: X) -> X {\n  return y[0];\n}\n',
      ].join('\n\n'),
    );
  });
  test('has an array be a uniform of so many vectors', () => {
    expect(link({ name: 'k', source, uniforms: { 0: 16 } })).toBe(
      source.replace('var<storage, read> x: array<X>', 'var<uniform> x: array<vec4f, 16>'),
    );
    expect(() => link({ name: 'k', source, uniforms: { 1: 16 } })).toThrow(
      '[link] kernel k reads no array by binding 1',
    );
  });
  test('refuses what the file does not declare', () => {
    expect(() => link({ name: 'k', source, functions: { g: '' } })).toThrow('[link] kernel k declares no g to replace');
  });
});
