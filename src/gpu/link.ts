import type { Kernel } from '../core/launch.ts';

/*
 * A kernel file is valid WGSL on its own. Linking replaces whole functions, constants and aliases by name, puts the
 * functions they call in front, and adds the bindings they read; and what is stored into a binding may pass through a
 * function, which tells at the kernel's end what it saw. Nothing else about the text changes.
 */

/** Where a declaration stands in the text, from its keyword to its last character. */
function spanOf(text: string, head: RegExp, kernel: string, name: string): [number, number] {
  const start = text.search(head);
  if (start < 0) throw new Error(`[link] kernel ${kernel} declares no ${name} to replace`);
  const isFunction = text.startsWith('fn', start);
  if (!isFunction) return [start, text.indexOf(';', start) + 1];
  let depth = 0;
  for (let at = text.indexOf('{', start); at < text.length; at++) {
    if (text[at] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return [start, at + 1];
  }
  throw new Error(`[link] kernel ${kernel}: the braces of ${name} do not close`);
}

function replace(text: string, head: RegExp, by: string, kernel: string, name: string): string {
  const [start, end] = spanOf(text, head, kernel, name);
  return text.slice(0, start) + by + text.slice(end);
}

/** The type that a name stands for. */
const typeIn = (text: string, name: string): string =>
  text.match(new RegExp(`\\balias ${name} = (\\w+);`))?.[1] ?? name;

/** Lets all that is stored into a binding pass through the function for its element type. */
function watch(text: string, binding: number, kernel: string): string {
  const declared = text.match(new RegExp(`@binding\\(${binding}\\) var<storage, read_write> (\\w+): array<(\\w+)>;`));
  const [, name, element] = declared ?? [];
  const look = { f32: 'looked_at', vec4f: 'looked_at_four' }[typeIn(text, element ?? '')];
  const stores = new RegExp(`\\b${name}\\[(.*?)\\] = (.*);$`, 'gm');
  if (!look || text.search(stores) < 0)
    throw new Error(`[link] kernel ${kernel} stores nothing into binding ${binding}`);
  return text.replace(stores, `${name}[$1] = ${look}($2);`);
}

/** Has a function end with a statement. Before an early return it does not stand: there an entry point has stored nothing yet. */
function atEnd(text: string, name: string, statement: string, kernel: string): string {
  const [, end] = spanOf(text, new RegExp(`\\bfn ${name}\\(`), kernel, name);
  return `${text.slice(0, end - 1)}  ${statement}\n${text.slice(end - 1)}`;
}

/** Has a binding be a uniform of so many vectors. */
function asUniform(text: string, binding: number, vectors: number, kernel: string): string {
  const declared = new RegExp(`(@binding\\(${binding}\\) var<)storage, read(> \\w+: array<)\\w+>`);
  if (!declared.test(text)) throw new Error(`[link] kernel ${kernel} reads no array by binding ${binding}`);
  return text.replace(declared, `$1uniform$2vec4f, ${vectors}>`);
}

/** Bindings that a file declares in its first group. */
const countBindings = (text: string): number => (text.match(/@binding\(\d+\)/g) ?? []).length;

/** The WGSL text of a kernel. */
export function link(kernel: Kernel): string {
  let text = kernel.source;
  for (const [name, body] of Object.entries(kernel.functions ?? {})) {
    text = replace(text, new RegExp(`\\bfn ${name}\\(`), body.trim(), kernel.name, name);
  }
  for (const [name, value] of Object.entries(kernel.constants ?? {})) {
    const isAlias = new RegExp(`\\balias ${name}\\b`).test(text);
    text = isAlias
      ? replace(text, new RegExp(`\\balias ${name}\\b`), `alias ${name} = ${value};`, kernel.name, name)
      : replace(text, new RegExp(`\\bconst ${name}\\b`), `const ${name} = ${value};`, kernel.name, name);
  }
  for (const [binding, vectors] of Object.entries(kernel.uniforms ?? {})) {
    text = asUniform(text, Number(binding), vectors, kernel.name);
  }
  const first = countBindings(kernel.source);
  const extra = [
    ...Object.entries(kernel.reads ?? {}).map(([name, type]) => ['read', name, type]),
    ...Object.entries(kernel.writes ?? {}).map(([name, type]) => ['read_write', name, type]),
  ].map(
    ([access, name, type], index) =>
      `@group(0) @binding(${first + index}) var<storage, ${access}> ${name}: array<${type}>;`,
  );
  const enables = (kernel.enables ?? []).map((feature) => `enable ${feature};`);
  const parts = [...enables, ...new Set(kernel.includes ?? []), ...extra, text];
  const linked = parts.map((part) => part.trim()).join('\n\n') + '\n';
  if (!kernel.watched) return linked;
  const watched = kernel.watched.reduce((whole, binding) => watch(whole, binding, kernel.name), linked);
  return atEnd(watched, kernel.entry ?? 'main', 'count_bad();', kernel.name);
}
