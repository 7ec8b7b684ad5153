type Kind = (new (...given: unknown[]) => { readonly byteLength: number }) & {
  readonly BYTES_PER_ELEMENT?: number;
};

const kinds =
  'ArrayBuffer Uint8Array Uint8ClampedArray Int8Array Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array BigInt64Array BigUint64Array'.split(
    ' ',
  );

/** Nothing that is read here is so large. */
const MOST = 2 ** 31;

/**
 * Counts the bytes for which scripts make room: those of typed arrays, buffers and arrays of a length, whether they are made
 * by a constructor or by `slice`, `map` and `from`. What is asked for counts, also where an engine refuses it. What engines take for themselves, as in `DecompressionStream`, does not count.
 */
export class Allocations {
  bytes = 0;
  readonly #restore: (() => void)[] = [];

  constructor() {
    const globals = globalThis as unknown as Record<string, Kind>;
    for (const name of kinds) this.#replace(globals, name, this.#counted(globals[name]));
    const arrays = Array as unknown as { from: (this: unknown, ...given: unknown[]) => unknown };
    const { from } = arrays;
    const add = (count: number) => this.#add(count);
    this.#replace(arrays, 'from', function (this: unknown, ...given: unknown[]) {
      const { length } = Object(given[0]) as { length?: unknown };
      if (typeof length === 'number') add(8 * length);
      return from.apply(this, given);
    });
  }

  restore(): void {
    for (const restore of this.#restore.reverse()) restore();
  }

  #replace<T extends object, Name extends keyof T>(owner: T, name: Name, other: T[Name]): void {
    const own = owner[name];
    this.#restore.push(() => (owner[name] = own));
    owner[name] = other;
  }

  #add(count: number): void {
    if (!(count <= MOST)) throw new Error(`room for ${count} bytes is asked for`);
    this.bytes += count;
  }

  #counted(Own: Kind): Kind {
    const counted: Kind = new Proxy(Own, {
      construct: (target, given: unknown[], asked) => {
        const [first] = given;
        const width = target.BYTES_PER_ELEMENT ?? 1;
        if (typeof first === 'number') this.#add(first * width);
        const made = Reflect.construct(
          target,
          given as never[],
          asked === counted ? target : asked,
        ) as InstanceType<Kind>;
        const isView =
          first instanceof ArrayBuffer || Object.prototype.toString.call(first) === '[object SharedArrayBuffer]';
        if (typeof first !== 'number' && !isView) this.#add(made.byteLength);
        return made;
      },
    });
    // By it `slice` and `map` know what to make.
    this.#replace(Own.prototype as { constructor: unknown }, 'constructor', counted);
    return counted;
  }
}
