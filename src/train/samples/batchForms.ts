import { sameShape } from '../../core/shape.ts';
import { isDataset, type Dataset } from '../../data/dataset.ts';
import type { Prepared } from '../graphs/preparedModel.ts';
import type { GivenSamples } from '../options.ts';
import { checksOf } from './dataChecks.ts';
import { formOf, type SampleForm } from './givenData.ts';

/**
 * What the batches of an iterable are like: as the model was traced, or, where one is a data set whose fields have other
 * extents, as longer and shorter sentences, of its own shapes. Numbers alone do not tell theirs.
 */
export class BatchForms {
  readonly #prepared: Prepared;
  readonly #forms = new Map<string, SampleForm>();

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
  }

  /** @throws ShapeError where the model does not take a batch's shapes */
  of(batch: GivenSamples | Dataset): SampleForm {
    const traced = formOf(this.#prepared);
    if (!isDataset(batch)) return traced;
    const others = Object.entries(traced.fields).flatMap(([name, field]) => {
      const shape = batch.fields[name]?.shape;
      const isOther = shape?.length === field.shape.length && !sameShape(shape, field.shape);
      return isOther ? [[name, { ...field, shape }] as const] : [];
    });
    if (others.length === 0) return traced;
    const key = others.map(([name, { shape }]) => `${name} ${shape.join()}`).join();
    let form = this.#forms.get(key);
    if (!form) {
      const fields = { ...traced.fields, ...Object.fromEntries(others) };
      form = { fields, checks: checksOf([this.#prepared.traced.batchGraph(fields)]) };
      this.#forms.set(key, form);
    }
    return form;
  }
}
