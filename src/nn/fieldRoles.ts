import { DataError } from '../core/errors.ts';
import { namesOf, requireKind } from '../core/argumentChecks.ts';
import { quotedList } from '../core/textFormat.ts';
import { isValue, type Value } from '../graph/graph.ts';
import type { Values } from './layer.ts';

/*
 * Which fields go into a model, and which it is compared with. It is decided here alone, once for a trainer, and goes with
 * each batch, so that whoever is handed one sees it alike.
 */

/** The fields of a batch, as values: F by name, or any. */
// oxlint-disable-next-line typescript/no-explicit-any -- a batch of which no names are known goes wherever batches go
export type BatchValues<in F extends string = any> = { readonly [name in F]: Value };

/** What was said of the fields: a name, or several. */
export interface SaidRoles<F extends string = string> {
  /** What goes into the model: one field as a value, several by name. All but the targets, if left out. */
  readonly inputs?: F | readonly F[];
  /**
   * What losses and metrics that are given the batch compare with, as `crossEntropy(outputs, batch)`; of several, a loss says
   * itself which one. If left out: the field that is called `label` or `target`, or a set's only one.
   */
  readonly targets?: F | readonly F[];
}

/** The same as it was decided; null where that is open, and an error for who needs it. */
export interface Roles {
  readonly names: readonly string[];
  readonly inputs: readonly string[] | null;
  readonly targets: readonly string[] | null;
}

/** @throws DataError for what is no name of a field, with the nearest one */
export function rolesOf(names: readonly string[], said: SaidRoles = {}): Roles {
  const [inputs, targets] = (['inputs', 'targets'] as const).map((role) => {
    const given = said[role];
    return given === undefined ? null : namesOf('createTrainer', role, given, names);
  });
  // A set's only field goes in and is compared with itself: an autoencoder's, a generator's.
  const isAlone = names.length === 1;
  const usual = isAlone ? names : names.filter((name) => name === 'label' || name === 'target');
  const compared = targets ?? (usual.length === 1 ? usual : null);
  const others = isAlone ? names : compared && names.filter((name) => !compared.includes(name));
  return { names, inputs: inputs ?? others, targets: compared };
}

/** Stays with what is made by `{ ...batch }`. */
const ROLES = Symbol('roles');

export const withRoles = (batch: BatchValues, roles: Roles): BatchValues =>
  Object.assign({ ...batch }, { [ROLES]: roles });

const rolesIn = (batch: BatchValues & { readonly [ROLES]?: Roles }): Roles =>
  batch[ROLES] ?? rolesOf(Object.keys(batch));

function open(where: string, { names }: Roles): DataError {
  return new DataError(
    `[${where}] the fields are ${quotedList(names)}, and nothing says which one is compared with: give createTrainer \`targets: "${names.at(-1)}"\`, or let one alone be called label or target`,
  );
}

/** What goes into the model: one field as it is, several by name. @throws DataError where only the targets would tell */
export function inputOf(batch: BatchValues): Values {
  const roles = rolesIn(batch);
  const { inputs } = roles;
  if (!inputs) throw open('model', roles);
  return inputs.length === 1 ? batch[inputs[0]] : Object.fromEntries(inputs.map((name) => [name, batch[name]]));
}

/** Losses and metrics take the values to compare with, or a batch, in which they look for them. */
export type Target = Value | BatchValues;

/** The values to compare with. @throws DataError where a batch has none that stands out, or several */
export function targetOf(where: string, target: Target): Value {
  if (isValue(target)) return target;
  const isBatch = target instanceof Object && Object.values(target).every(isValue);
  requireKind(where, 'the target', target, isBatch, 'a value, as batch.label, or the batch itself');
  const roles = rolesIn(target);
  const { targets } = roles;
  if (!targets || targets.length === 0) throw open(where, roles);
  if (targets.length === 1) return target[targets[0]];
  throw new DataError(
    `[${where}] there are several targets, ${quotedList(targets)}: say in the loss which one it is, as batch.${targets[0]}`,
  );
}
