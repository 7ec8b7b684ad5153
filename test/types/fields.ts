// The names of a set's fields are known wherever it goes.

import { dataset, take, type Dataset } from 'millrace';
import { concat, folds, map, mnist, pick, prepareTable, readTable, rows, split, type Fold } from 'millrace/data';

const image = { data: new Uint8Array(8), shape: [2, 2] };
const set = dataset({ image, label: [0, 1] });

const known: Dataset<'image' | 'label'> = set;
const plain: Dataset = set;
const again: Dataset<'image' | 'label'> = plain;
const fewer: Dataset<'label'> = set;
const digits: Dataset<'image' | 'label'> = (await mnist()).train;
const { train }: { readonly train: Dataset } = prepareTable(await readTable('a.csv', new Uint8Array(1)));
const several: readonly Dataset[] = [known, again, fewer, digits, train, pick(plain, 'label')];

const { data, dtype } = set.fields.label;
const { length }: { length: number } = data;
const [first, second]: [typeof set, typeof set] = split(take(set, 0, 2), 0.5, { stratify: 'label' });
const { validation }: Fold<'image' | 'label'> = folds(rows(set, [0, 1]), 2)[0] ?? { train: first, validation: second };
const images: Dataset<'image'> = pick(concat(first, validation), ['image']);
const halved: Dataset<'half' | 'label'> = map(set, (sample) => ({ half: sample.image.map((x) => x / 2), label: [1] }));
const byName = dataset(Object.fromEntries([['x', [1, 2]]]));
const anything = [byName.fields['y']?.dtype, dtype, length, images, halved, several];
export { anything };

// @ts-expect-error Property 'lable' does not exist
export const { lable } = set.fields;

// @ts-expect-error ' is not assignable to type '"image"'
export const more: Dataset<'image' | 'label'> = images;

// @ts-expect-error '"labels"' is not assignable to parameter of type
pick(set, 'labels');

// @ts-expect-error
split(set, 0.5, { stratify: 'labels' });

// @ts-expect-error Property 'images' does not exist
map(set, (sample) => ({ image: sample.images }));

// @ts-expect-error Type 'string' is not assignable to type
dataset({ image: 'pictures' });
