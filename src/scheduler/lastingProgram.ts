import type { Numbers, Spec } from '../core/shape.ts';
import type { Graph, Node } from '../graph/graph.ts';
import type { Executable } from './backend.ts';

/** Whom a program tells of what becomes of it. */
interface Owner {
  upload(program: LastingProgram, field: string, numbers: Numbers): void;
  drop(program: LastingProgram): void;
}

/** A program, whichever device it is compiled on. */
export class LastingProgram implements Executable {
  readonly graph: Graph;
  readonly plainly: boolean;
  inner!: Executable;
  /** Of the fields of a batch, the last. */
  readonly uploads = new Map<string, Numbers>();
  readonly #owner: Owner;

  constructor(owner: Owner, graph: Graph, plainly: boolean) {
    this.#owner = owner;
    this.graph = graph;
    this.plainly = plainly;
  }

  get order(): readonly Node[] {
    return this.inner.order;
  }

  get launches(): readonly string[] {
    return this.inner.launches;
  }

  get fields(): ReadonlyMap<string, Spec> {
    return this.inner.fields;
  }

  upload(field: string, numbers: Numbers): void {
    this.#owner.upload(this, field, numbers);
  }

  destroy(): void {
    this.#owner.drop(this);
  }
}

export const innerOf = (programs: readonly Executable[]): Executable[] =>
  programs.map((program) => (program as LastingProgram).inner);
