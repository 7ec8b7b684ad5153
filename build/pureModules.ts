// What a module of the library computes as it is loaded is only ever named by it: no module does anything. This is said
// where it is computed, in the form that bundlers know, so that whoever bundles the library leaves out what nobody names.

import type { Plugin } from 'vite';

interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** What may run code of others: a call, and whatever asks an object for an element, an iterator or a text. */
const RUNS = /^(?:Call|New|TaggedTemplate|Member|Binary)Expression$|^SpreadElement$/;

const isSyntax = (given: unknown): given is Syntax => typeof (given as Syntax | null)?.type === 'string';

const partsOf = (syntax: Syntax): Syntax[] => Object.values(syntax).flat().filter(isSyntax);

/** Whether something is run along with it, not only when a function in it is called. */
function runs(syntax: Syntax): boolean {
  if (/Function|^Class/.test(syntax.type)) return false;
  if (RUNS.test(syntax.type)) return true;
  const parts = partsOf(syntax);
  return (
    (syntax.type === 'TemplateLiteral' && parts.some(({ type }) => type !== 'TemplateElement')) || parts.some(runs)
  );
}

/** The values that a module's names are given as it is loaded. */
function* valuesIn(program: Syntax): Generator<Syntax> {
  for (const statement of partsOf(program)) {
    const declared = statement.type === 'ExportNamedDeclaration' ? partsOf(statement)[0] : statement;
    if (declared?.type !== 'VariableDeclaration') continue;
    for (const declarator of partsOf(declared)) {
      const { init } = declarator as Syntax & { readonly init: Syntax | null };
      if (init) yield init;
    }
  }
}

/** A call of a function by its name, with nothing else that is run. */
function isPlainCall(value: Syntax): boolean {
  if (!/^(?:Call|New)Expression$/.test(value.type)) return false;
  const { callee, arguments: given } = value as Syntax & { readonly callee: Syntax; readonly arguments: Syntax[] };
  return callee.type === 'Identifier' && !given.some(runs);
}

/** The same value, of which is said that whoever does not name it may leave it out. */
const pure = (value: Syntax, text: string): string =>
  `/* @__PURE__ */ ${isPlainCall(value) ? text : `(() => (${text}))()`}`;

/** Says of a module's values that nothing but their names depends on them. */
export function pureModules(): Plugin {
  return {
    name: 'pure-modules',
    apply: 'build',
    transform: {
      filter: { id: /\/src\/[^?]*\.ts$/ },
      handler(code) {
        let text = '';
        let end = 0;
        for (const value of valuesIn(this.parse(code))) {
          if (!runs(value)) continue;
          text += code.slice(end, value.start) + pure(value, code.slice(value.start, value.end));
          end = value.end;
        }
        return end === 0 ? undefined : { code: text + code.slice(end), map: null };
      },
    },
  };
}
