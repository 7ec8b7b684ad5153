import { pageName, type Page } from '../../core/parameterLayout.ts';
import { spec } from '../../core/shape.ts';
import type { Purpose, State, Value } from '../../graph/graph.ts';
import { read } from '../../graph/leaf.ts';
import { groupTable, requireMatches, type Optimizer, type ParameterRange } from '../../optim/optimizer.ts';
import { behind } from '../../ops/shaping/views.ts';
import { pack } from '../../ops/shaping/pack.ts';

/* Parameters, gradients and moments page by page: each page has a state of each, and is updated by itself. */

/** The states of an arena, one for each page. */
export const arenaOf = (name: string, pages: readonly Page[], initial: (page: Page) => Float32Array): State[] =>
  pages.map((page, at) => ({
    name: pageName(name, at),
    spec: spec([page.size]),
    initial: () => initial(page),
    purpose: 'parameters',
  }));

/** A page of which a phase trains something. */
export interface TrainedPage {
  readonly parameters: State;
  readonly ranges: readonly ParameterRange[];
  /** In the order of the optimizer's own. */
  readonly moments: readonly State[];
  readonly groups: State;
  /** Where the parts of a step add up their gradients. */
  readonly gradients: State;
}

/**
 * Those pages, with the states that an optimizer has there.
 * @param prefix of the states' names   @param treated how a parameter is, by its name
 * @throws ShapeError if the optimizer names parameters that there are not
 */
export function trainedPages(
  optimizer: Optimizer,
  pages: readonly Page[],
  parameters: readonly State[],
  prefix: string,
  treated: (name: string) => { readonly trains: boolean; readonly decays: boolean },
): TrainedPage[] {
  requireMatches(
    optimizer,
    pages.flatMap(({ ranges }) => ranges),
  );
  return pages.flatMap((page, at) => {
    const { groups, trains } = groupTable(optimizer, page, treated);
    if (!trains.includes(true)) return [];
    const filled = (name: string, initial: number, purpose: Purpose): State => ({
      name: pageName(`${prefix}${name}`, at),
      spec: spec([page.size]),
      initial: () => new Float32Array(page.size).fill(initial),
      purpose,
    });
    return {
      parameters: parameters[at],
      ranges: page.ranges.map((range, i) => ({ ...range, trains: trains[i] })),
      moments: Object.entries(optimizer.moments).map(([name, initial]) => filled(name, initial, 'optimizer')),
      groups: {
        name: pageName(`${prefix}groups`, at),
        spec: spec([groups.length / 4, 4]),
        initial: () => groups,
        purpose: 'optimizer',
      },
      gradients: filled('gradients', 0, 'gradients'),
    };
  });
}

/** The parameters on some pages that train. */
export const trainedRanges = (pages: readonly TrainedPage[]): ParameterRange[] =>
  pages.flatMap(({ ranges }) => ranges.filter(({ trains }) => trains));

/** Gradients at their parameters' offsets, page by page; zeros where none is. @param ledger counts what is bad of them */
export const packed = (pages: readonly TrainedPage[], gradients: ReadonlyMap<string, Value>, ledger?: State): Value[] =>
  pages.map(({ ranges, parameters: { spec: of } }) => {
    const reached = ranges.flatMap(({ name, offset }) => {
      const gradient = gradients.get(name);
      return gradient ? [{ name, gradient, offset }] : [];
    });
    return pack(
      reached.map(({ gradient }) => gradient),
      reached.map(({ offset }) => offset),
      of.shape[0],
      ledger && { ledger, names: reached.map(({ name }) => name) },
    );
  });

/**
 * What parameters and moments become, and the control behind all of it.
 * @param control the words of the step whose update it is
 */
export function updatedPages(
  optimizer: Optimizer,
  pages: readonly TrainedPage[],
  gradients: readonly Value[],
  schedule: State,
  control: Value,
): { readonly changed: (readonly [State, Value])[]; readonly closed: Value } {
  // Whether a step is to be left out is known once all of its gradients are there.
  const known = gradients.length > 1 ? gradients.map((page) => behind(page, gradients)) : gradients;
  let closed = control;
  const changed = pages.flatMap(({ parameters, moments, groups, ranges }, at) => {
    const updated = optimizer.update({
      parameters: read(parameters),
      gradients: known[at],
      allGradients: gradients,
      moments: moments.map(read),
      groups: read(groups),
      schedule: read(schedule),
      control,
      closed,
      ranges,
    });
    closed = updated[1 + moments.length] ?? closed;
    return [parameters, ...moments].map((state, i) => [state, updated[i]] as const);
  });
  return { changed, closed };
}
