// Every text that src throws as one of its kinds, or warns with: read from the syntax trees, so that none is forgotten.

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor, type ESTree } from 'vite';

/** The kinds that docs/errors.md must list. */
export const kinds = ['ShapeError', 'DataError', 'DeviceError', 'FormatError', 'FlowerError', 'UsageError', 'printed'];

/** Stands for what is filled in when the text is made; its source goes between the two. */
const OPEN = '\u0001';
const CLOSE = '\u0002';
const HOLE = new RegExp(`${OPEN}[^${OPEN}${CLOSE}]*${CLOSE}`, 'g');

/** Fewer letters say nothing: the text was made elsewhere. */
const FEWEST_LETTERS = 10;

export interface Site {
  readonly file: string;
  readonly line: number;
  /** A kind, `printed`, or `Error`, which only a fault of the library's own should be. */
  readonly kind: string;
  /** As docs/errors.md would spell it, placeholders being the source of what is filled in. */
  readonly text: string;
  /** What the text can become. */
  readonly pattern: RegExp;
}

export interface Scan {
  readonly sites: readonly Site[];
  /** Throws whose text cannot be read from the source, in full sentences. */
  readonly unreadable: readonly string[];
}

const root = fileURLToPath(new URL('../..', import.meta.url));

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** A regular expression for a text in which some parts are left open. */
export const patternOf = (text: string, open: RegExp): RegExp =>
  new RegExp(`^${text.split(open).map(escaped).join('[^]*')}$`);

type Expression = ESTree.Expression | ESTree.Argument;

/** Functions that are nothing but an error with a text made of their parameters: `fails(what)`. */
interface Maker {
  readonly error: ESTree.NewExpression;
  readonly parameters: readonly string[];
}

const errorNames = [...kinds, 'Error'];

/** The name of the error that an expression creates, if it is one of the kinds or a plain one. */
const kindOf = (node: Expression): string | undefined =>
  node.type === 'NewExpression' && node.callee.type === 'Identifier' && errorNames.includes(node.callee.name)
    ? node.callee.name
    : undefined;

const parameterNames = (parameters: readonly ESTree.ParamPattern[]): string[] =>
  parameters.flatMap((parameter) => (parameter.type === 'Identifier' ? [parameter.name] : []));

/** The texts that one file throws or prints. */
class FileScan {
  readonly sites: Site[] = [];
  readonly unreadable: string[] = [];
  readonly #file: string;
  readonly #source: string;
  readonly #program: ESTree.Program;
  /** By name: what constants hold, null where two of a file share a name. */
  readonly #constants = new Map<string, Expression | null>();
  readonly #makers = new Map<string, Maker>();
  /** And methods, by what calls them: `this.#name`. */
  readonly #functions = new Set<string>();

  constructor(file: string, source: string) {
    this.#file = file;
    this.#source = source;
    this.#program = parseSync(file, source).program;
  }

  run(): void {
    new Visitor({
      VariableDeclarator: ({ id, init }) => {
        if (id.type !== 'Identifier' || !init) return;
        this.#constants.set(id.name, this.#constants.has(id.name) ? null : init);
        if (init.type !== 'ArrowFunctionExpression') return;
        this.#functions.add(id.name);
        if (kindOf(init.body as Expression) !== undefined) {
          const parameters = parameterNames(init.params);
          this.#makers.set(id.name, { error: init.body as ESTree.NewExpression, parameters });
        }
      },
      FunctionDeclaration: ({ id }) => void (id && this.#functions.add(id.name)),
      MethodDefinition: ({ key }) => void this.#functions.add(`this.${this.#source.slice(key.start, key.end)}`),
    }).visit(this.#program);
    for (const [name, { error, parameters }] of this.#makers) {
      if (!parameters.some((parameter) => this.#holes(error).includes(parameter))) this.#makers.delete(name);
    }
    new Visitor({
      NewExpression: (node) => {
        const made = [...this.#makers.values()].some(({ error }) => error.start === node.start);
        if (kindOf(node) !== undefined && !made) this.#add(node, kindOf(node)!, node.arguments[0]);
      },
      CallExpression: (node) => this.#call(node),
      ThrowStatement: ({ argument }) => this.#throws(argument),
    }).visit(this.#program);
  }

  /** Parameters and constants that are filled into an error's text. */
  #holes({ arguments: [text] }: ESTree.NewExpression): string[] {
    if (text?.type !== 'TemplateLiteral') return text?.type === 'Identifier' ? [text.name] : [];
    return text.expressions.flatMap((each) => (each.type === 'Identifier' ? [each.name] : []));
  }

  #call({ callee, arguments: given, start }: ESTree.CallExpression): void {
    const name = this.#source.slice(callee.start, callee.end);
    const maker = this.#makers.get(name);
    if (maker) {
      const filled = new Map(maker.parameters.map((parameter, at) => [parameter, given[at]]));
      this.#add(maker.error, kindOf(maker.error)!, maker.error.arguments[0], filled, start);
    }
    if (name === 'process.stderr.write' || name === 'warn') {
      // What is only handed on was found where it was made.
      for (const text of this.#texts(given[0]))
        if (lettersOf(text) >= FEWEST_LETTERS) this.#note(start, 'printed', text);
    }
  }

  /** A call in a throw must be of a function of this file, whose own errors are found. */
  #throws(thrown: Expression): void {
    const node = thrown.type === 'AwaitExpression' ? thrown.argument : thrown;
    if (node.type !== 'CallExpression') return;
    const name = this.#source.slice(node.callee.start, node.callee.end);
    if (this.#functions.has(name)) return;
    this.unreadable.push(`${this.#at(node.start)} throws what ${name}() gives, which is no function of this file`);
  }

  #add(
    error: ESTree.NewExpression,
    kind: string,
    text: Expression | undefined,
    filled: ReadonlyMap<string, Expression> = new Map(),
    at = error.start,
  ): void {
    for (const found of text ? this.#texts(text, filled) : ['']) {
      if (lettersOf(found) >= FEWEST_LETTERS) this.#note(at, kind, found);
      else if (kind !== 'Error') {
        this.unreadable.push(`${this.#at(at)} throws a ${kind} whose text is not written there: ${spelled(found)}`);
      }
    }
  }

  #note(start: number, kind: string, text: string): void {
    const line = text.trimEnd();
    this.sites.push({
      file: this.#file,
      line: this.#lineOf(start),
      kind,
      text: spelled(line),
      pattern: patternOf(line, HOLE),
    });
  }

  /** Each text that an expression can be, what is filled in marked as such. */
  #texts(node: Expression, filled: ReadonlyMap<string, Expression> = new Map()): string[] {
    switch (node.type) {
      case 'Literal':
        return [String(node.value)];
      case 'ConditionalExpression':
        return [...this.#texts(node.consequent, filled), ...this.#texts(node.alternate, filled)];
      case 'TemplateLiteral':
        return node.expressions.reduce<string[]>(
          (texts, each, at) => {
            const parts = this.#parts(each, filled).map((part) => part + node.quasis[at + 1].value.cooked!);
            return texts.flatMap((text) => parts.map((part) => text + part));
          },
          [node.quasis[0].value.cooked!],
        );
      case 'Identifier':
        return this.#parts(node, filled);
      default:
        return [OPEN + this.#source.slice(node.start, node.end) + CLOSE];
    }
  }

  /** What is filled in: a maker's argument, or a constant that is a text itself, or else something open. */
  #parts(node: Expression, filled: ReadonlyMap<string, Expression>): string[] {
    const open = [OPEN + this.#source.slice(node.start, node.end).replace(HOLE, '') + CLOSE];
    if (node.type !== 'Identifier') return open;
    const given = filled.get(node.name);
    if (given) return this.#texts(given);
    const constant = this.#constants.get(node.name);
    return constant?.type === 'TemplateLiteral' ? this.#texts(constant, filled) : open;
  }

  #lineOf = (start: number): number => this.#source.slice(0, start).split('\n').length;
  #at = (start: number): string => `${this.#file}:${this.#lineOf(start)}`;
}

const lettersOf = (text: string): number => text.replace(HOLE, '').match(/\p{L}/gu)?.length ?? 0;

const spelled = (text: string): string =>
  text.replace(HOLE, (hole) => `<${hole.slice(1, -1).replace(/\s+/g, ' ').replace(/[<>]/g, '')}>`);

/** The texts of one file's source. */
export function scanSource(file: string, source: string): Scan {
  const scan = new FileScan(file, source);
  scan.run();
  return scan;
}

/** The texts of all of src. */
export function scanSources(): Scan {
  const scans = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => posix.join('src', ...path.split(/[\\/]/)))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    .sort()
    .map((file) => scanSource(file, readFileSync(join(root, file), 'utf8')));
  return {
    sites: scans.flatMap(({ sites }) => sites),
    unreadable: scans.flatMap(({ unreadable }) => unreadable),
  };
}
