import { optionsOf, requireKind } from '../../core/argumentChecks.ts';
import { ShapeError } from '../../core/errors.ts';
import { allocate } from '../../core/shape.ts';
import { quotedList } from '../../core/textFormat.ts';
import { isValue, type State, type Value } from '../../graph/graph.ts';
import type { Tracer } from '../../nn/tracer.ts';
import { assign } from '../../ops/shaping/assign.ts';
import type { TrainedPage } from './parameterPages.ts';

/** What each step leaves in buffers beside the parameters, for shaders of one's own: a copy of each. */
export interface Exposes {
  /** Those of what is trained, before they are clipped, as `buffers.gradients`. */
  readonly gradients?: boolean;
  /** What layers give, by their paths, as `summary` lists them: `buffers.activations`. Of the last step of a whole batch. */
  readonly activations?: readonly string[];
}

/** @throws DataError for what is none */
export function exposesOf(where: string, given: Exposes = {}): Required<Exposes> {
  const { gradients, activations } = optionsOf(`${where}, exposes`, given, { gradients: false, activations: [] });
  requireKind(where, 'exposes.gradients', gradients, typeof gradients === 'boolean', 'true or false');
  const are = Array.isArray(activations) && activations.every((path) => typeof path === 'string');
  requireKind(where, 'exposes.activations', activations, are, 'layers\' paths, as ["layer0"]');
  return { gradients, activations };
}

type Write = readonly [State, Value];

/** Copies of what a step would else forget. */
export class Exposed {
  /** By path. */
  readonly activations = new Map<string, State>();
  readonly #exposes: Required<Exposes>;
  readonly #batchSize: number;

  constructor(exposes: Required<Exposes>, batchSize: number) {
    this.#exposes = exposes;
    this.#batchSize = batchSize;
  }

  get gradients(): boolean {
    return this.#exposes.gradients;
  }

  /** Of the gradients, page by page. */
  ofGradients(pages: readonly TrainedPage[], gradients: readonly Value[]): Write[] {
    if (!this.gradients) return [];
    return pages.map((page, at) => [page.gradients, assign(page.gradients, gradients[at])]);
  }

  /** Of what layers gave in a step of n samples. */
  ofLayers({ applied }: Tracer, n: number): Write[] {
    if (n !== this.#batchSize) return [];
    return this.#exposes.activations.flatMap((path): Write[] => {
      const output = applied.findLast((layer) => layer.path === path)?.output;
      if (!isValue(output)) return [];
      const { spec } = output;
      const state = this.activations.get(path) ?? {
        name: `activations of ${path}`,
        spec,
        initial: () => allocate(spec),
        purpose: 'activations',
      };
      this.activations.set(path, state);
      return [[state, assign(state, output)]];
    });
  }

  /** @throws ShapeError unless a step has all that is to be kept */
  requireAll({ applied }: Tracer): void {
    const path = this.#exposes.activations.find((each) => !this.activations.has(each));
    if (path === undefined) return;
    const known = applied.flatMap((layer) => (isValue(layer.output) && layer.path ? layer.path : []));
    throw new ShapeError(
      `[model] exposes.activations names "${path}", which is no layer of one output: they are ${quotedList([...new Set(known)])}`,
    );
  }
}
