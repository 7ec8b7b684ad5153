// What else than they take is refused by all that make, read and write data, with the way out.

import { describe, expect, test } from 'vitest';
import { described } from '../../src/core/argumentChecks.ts';
import {
  answersOf,
  cifar10,
  dataset,
  encodeTable,
  fashionMnist,
  featureCount,
  files,
  likeliest,
  mnist,
  namesColumns,
  onGround,
  outputCount,
  prepareTable,
  readIdx,
  readSafetensors,
  readTable,
  readTableForm,
  syntheticDigits,
  writeSafetensors,
  type TableForm,
} from '../../src/data/index.ts';

const bytes = new Uint8Array(8);
const data = Float32Array.of(1, 2, 3, 4);
const table = await readTable('t.csv', 'a,b\n1,x\n2,y\n3,x\n4,y\n5,x\n6,y\n');
const { form } = prepareTable(table);
const tensor = { shape: [2], data: Float32Array.of(1, 2) };

/** A call that is none, as JavaScript may write it, and how its message begins. */
type Slip = readonly [slip: string, call: () => unknown, text: string];

const anything = (given: unknown): never => given as never;

const fieldSlips: readonly Slip[] = [
  [
    'a misspelt member',
    () => dataset({ x: anything({ data, shap: [2] }) }),
    '[dataset, "x"] there is no option "shap", the nearest is "shape"',
  ],
  [
    'a shape in a text',
    () => dataset({ x: anything({ data, shape: '28' }) }),
    '[dataset, "x"] shape is the text "28" but must be one sample\'s extents, as [28, 28]',
  ],
  ['a shape of one number', () => dataset({ x: anything({ data, shape: 2 }) }), '[dataset, "x"] shape is 2 but'],
  ['a shape of null', () => dataset({ x: anything({ data, shape: null }) }), '[dataset, "x"] shape is null but'],
  [
    'texts in a shape',
    () => dataset({ x: anything({ data, shape: ['2'] }) }),
    '[dataset] field "x" has 4 numbers, which samples of [2]',
  ],
  [
    'a scale in a text',
    () => dataset({ x: anything({ data, scale: '1/255' }) }),
    '[dataset, "x"] scale is the text "1/255" but must be a number other than 0',
  ],
  ['a scale of 0', () => dataset({ x: { data, scale: 0 } }), '[dataset, "x"] scale is 0 but'],
  ['a scale of NaN', () => dataset({ x: { data, scale: NaN } }), '[dataset, "x"] scale is NaN but'],
  ['an infinite scale', () => dataset({ x: { data, scale: Infinity } }), '[dataset, "x"] scale is Infinity but'],
  [
    'an infinite offset',
    () => dataset({ x: { data, offset: -Infinity } }),
    '[dataset, "x"] offset is -Infinity but must be a finite number',
  ],
  [
    'an offset in a text',
    () => dataset({ x: anything({ data, offset: '1' }) }),
    '[dataset, "x"] offset is the text "1" but',
  ],
  [
    'nested arrays',
    () => dataset({ x: anything([[1], [2]]) }),
    '[dataset] field "x" holds no plain numbers: give a typed array, or a flat array of numbers',
  ],
  ['no field', () => dataset({ x: anything(undefined) }), '[dataset] field "x" holds no plain numbers'],
  ['a number', () => dataset({ x: anything(3) }), '[dataset] field "x" holds no plain numbers'],
];

const setSlips: readonly Slip[] = [
  undefined,
  null,
  3,
  'x',
  [data],
  data,
  dataset({ x: data }),
  Promise.resolve({ x: data }),
].map((given) => [described(given), () => dataset(anything(given)), '[dataset] what is given is ']);

const readerSlips: readonly Slip[] = [
  [
    'readIdx, exchanged',
    () => readIdx(anything(bytes), anything('x')),
    "[idx] the name is of the kind Uint8Array but must be the file's, in front of what it holds",
  ],
  ['readIdx, alone', () => readIdx(anything(bytes), anything(undefined)), '[idx] the name is of the kind Uint8Array'],
  [
    'readIdx, of nothing',
    () => readIdx('x', anything(undefined)),
    '[idx] x is given as nothing, but is read from its bytes',
  ],
  [
    'readIdx, of a response',
    () => readIdx('x', anything(new Response(bytes))),
    '[idx] x is given as of the kind Response, but',
  ],
  [
    'readIdx, of a promise',
    () => readIdx('x', anything(Promise.resolve(bytes))),
    '[idx] x is given as a promise, which is to be awaited',
  ],
  [
    'readSafetensors, exchanged',
    () => readSafetensors(anything(bytes), anything('x')),
    '[safetensors] the name is of the kind Uint8Array',
  ],
  [
    'readSafetensors, of a blob',
    () => readSafetensors('x', anything(new Blob([bytes]))),
    '[safetensors] x is given as of the kind Blob',
  ],
  [
    'readTable, exchanged',
    () => readTable(anything(bytes), anything('x')),
    '[table] the name is of the kind Uint8Array',
  ],
  [
    'readTable, exchanged texts',
    () => readTable('a,b\n1,2\n', 'x.csv'),
    '[table] the name is the text "a,b\\n1,2\\n" but must be the file\'s',
  ],
  [
    'readTable, of a response',
    () => readTable('x', anything(new Response(bytes))),
    '[table] x is given as of the kind Response',
  ],
  ['readTable, of rows', () => readTable('x', anything([['a', 1]])), '[table] x is given as an array of 1'],
  ['readTable, sep', () => readTable('x', 'a;b', anything({ sep: ';' })), '[readTable] there is no option "sep"'],
  [
    'readTable, a header in words',
    () => readTable('x', 'a;b', anything({ header: 'no' })),
    '[readTable] header is the text "no" but must be true or false',
  ],
  [
    'readTable, a delimiter of 3',
    () => readTable('x', 'a;b', anything({ delimiter: 3 })),
    '[readTable] delimiter is 3 but must be a character',
  ],
  [
    'readTable, a decimal sign',
    () => readTable('x', 'a;b', anything({ decimal: ';' })),
    "[readTable] decimal is the text \";\" but must be '.' or ','",
  ],
  [
    'readTable, one missing word',
    () => readTable('x', 'a;b', anything({ missing: 'NA' })),
    '[readTable] missing is the text "NA" but must be a list of words',
  ],
  [
    'files of nothing',
    () => files(anything(undefined)),
    '[files] what is given is nothing but must be a list of files: files(input.files)',
  ],
  ['files of one', () => files(anything(new File([], 'x'))), '[files] what is given is of the kind File'],
  ['files of a name', () => files(anything('x')), '[files] what is given is the text "x"'],
];

const writerSlips: readonly Slip[] = [
  [
    'nothing',
    () => writeSafetensors(anything(undefined)),
    '[safetensors] tensors is nothing but must be tensors by name',
  ],
  ['tensors alone', () => writeSafetensors(anything({ w: tensor })), '[safetensors] there is no option "w"'],
  ['a list', () => writeSafetensors(anything({ tensors: [tensor] })), '[safetensors] tensors is an array of 1 but'],
  [
    'numbers alone',
    () => writeSafetensors(anything({ tensors: { w: data } })),
    '[safetensors] "w" is of the kind Float32Array but must be a shape and its numbers',
  ],
  [
    'no shape',
    () => writeSafetensors(anything({ tensors: { w: { data } } })),
    '[safetensors] "w" is an object of "data" but',
  ],
  [
    'a number in metadata',
    () => writeSafetensors(anything({ tensors: {}, metadata: { epoch: 3 } })),
    '[safetensors] metadata.epoch is 3 but must be a text',
  ],
];

const tableSlips: readonly Slip[] = [
  [
    'prepareTable of nothing',
    () => prepareTable(anything(undefined)),
    '[prepareTable] the table is nothing but must be what readTable gives, awaited',
  ],
  [
    'prepareTable of a promise',
    () => prepareTable(anything(readTable('x', 'a,b\n1,2'))),
    '[prepareTable] the table is a promise, which is to be awaited',
  ],
  ['prepareTable of a text', () => prepareTable(anything('a,b')), '[prepareTable] the table is the text "a,b"'],
  [
    'prepareTable, test_size',
    () => prepareTable(table, anything({ test_size: 0.2 })),
    '[prepareTable] there is no option "test_size"',
  ],
  [
    'prepareTable, one column to drop',
    () => prepareTable(table, anything({ drop: 'a' })),
    '[prepareTable] drop is the text "a" but must be an array',
  ],
  [
    'prepareTable, a task',
    () => prepareTable(table, anything({ task: 'classify' })),
    '[prepareTable] task is the text "classify" but must be classification or regression',
  ],
  [
    'prepareTable, a seed',
    () => prepareTable(table, { seed: 0.5 }),
    '[prepareTable] seed is 0.5 but must be a whole number',
  ],
  [
    'prepareTable, a share in a text',
    () => prepareTable(table, anything({ heldOut: '0.2' })),
    '[table] the share of rows to hold out is 0.2 but',
  ],
  [
    'encodeTable, exchanged',
    () => encodeTable(anything(table), anything(form)),
    '[encodeTable] the form is an object of ',
  ],
  [
    'encodeTable without a table',
    () => encodeTable(form, anything(undefined)),
    '[encodeTable] the table is nothing but',
  ],
  [
    'featureCount',
    () => featureCount(anything(undefined)),
    '[featureCount] the form is nothing but must be that of prepareTable(…).form',
  ],
  ['outputCount', () => outputCount(anything(table)), '[outputCount] the form is '],
  ['namesColumns', () => namesColumns(anything(null), ['a']), '[namesColumns] the form is null'],
  [
    'namesColumns of a text',
    () => namesColumns(form, anything('a,b')),
    '[namesColumns] cells is the text "a,b" but must be a list of texts',
  ],
  [
    'answersOf, exchanged',
    () => answersOf(anything(data), anything(form)),
    '[answersOf] the form is of the kind Float32Array',
  ],
  [
    'answersOf a prediction',
    () => answersOf(form, anything({ data, shape: [2, 2] })),
    '[answersOf] what is given is an object of "data", "shape" but must be numbers, as those of prediction.data',
  ],
  ['likeliest of nothing', () => likeliest(anything(undefined), 2), '[likeliest] what is given is nothing but'],
  [
    'likeliest without classes',
    () => likeliest(data, anything(undefined)),
    '[likeliest] classes is nothing but must be a whole number that divides that of the logits, 4',
  ],
  ['likeliest of 3 classes', () => likeliest(data, 3), '[likeliest] classes is 3 but'],
  ['likeliest of no class', () => likeliest(data, 0), '[likeliest] classes is 0 but'],
  [
    'readTableForm of nothing',
    () => readTableForm(undefined),
    '[table] the description of a table lacks a form with names and values',
  ],
  ['readTableForm of a text', () => readTableForm(JSON.stringify(form)), '[table] the description of a table lacks'],
  ['readTableForm of a list', () => readTableForm([form]), '[table] the description of a table lacks'],
];

const loaderSlips: readonly Slip[] = [
  [
    'mnist of null',
    () => mnist(anything(null)),
    '[mnist] the options are null but must be an object of source, progress, signal, warn, synthetic',
  ],
  ['mnist of a path', () => mnist(anything('data')), '[mnist] the options are the text "data"'],
  ['mnist of files', () => mnist(anything([new File([], 'x')])), '[mnist] the options are an array of 1'],
  [
    'mnist of a path as source',
    () => mnist(anything({ source: 'data' })),
    '[mnist] source is the text "data" but must be a function of a file\'s name, as files(…) or folder(…) makes it',
  ],
  ['mnist, root', () => mnist(anything({ root: 'data' })), '[mnist] there is no option "root"'],
  [
    'mnist, a controller',
    () => mnist(anything({ signal: new AbortController() })),
    '[mnist] signal is of the kind AbortController but must be an AbortSignal, as controller.signal',
  ],
  [
    'mnist, bytes that are none',
    () => mnist(anything(async () => 'text')),
    '[idx] train-images-idx3-ubyte.gz is given as the text "text"',
  ],
  [
    'fashionMnist, sources',
    () => fashionMnist(anything({ sources: 1 })),
    'there is no option "sources", the nearest is "source"',
  ],
  ['cifar10, backdrop', () => cifar10(anything({ backdrop: 1 })), '[cifar10] there is no option "backdrop"'],
  [
    'syntheticDigits, count',
    () => syntheticDigits(anything(100)),
    '[syntheticDigits] the options are 100 but must be an object of train, test',
  ],
  [
    'syntheticDigits, trains',
    () => syntheticDigits(anything({ trains: 1 })),
    '[syntheticDigits] there is no option "trains", the nearest is "train"',
  ],
  [
    'syntheticDigits, a text',
    () => syntheticDigits(anything({ train: '5' })),
    '[syntheticDigits] train is 5 but must be a whole number',
  ],
  [
    'syntheticDigits, a seed',
    () => syntheticDigits({ train: 1, test: 1, seed: -1 }),
    '[syntheticDigits] seed is -1 but',
  ],
  [
    'syntheticDigits, a controller',
    () => syntheticDigits(anything({ signal: {} })),
    '[syntheticDigits] signal is an empty object but',
  ],
];

const pixels = { width: 2, height: 2, channels: 1, data: new Uint8Array(4) };
const pictureSlips: readonly Slip[] = [
  [
    'nothing',
    () => onGround(anything(undefined), 0),
    '[onGround] the picture is nothing but must be { width, height, channels, data }',
  ],
  ['a set', () => onGround(anything(dataset({ x: data })), 0), '[onGround] the picture is a data set but'],
  [
    'too few bytes',
    () => onGround({ ...pixels, width: 3 }, 0),
    '[onGround] the picture is an object of "width", "height", "channels", "data" but',
  ],
  ['no ground', () => onGround(pixels, anything(undefined)), '[onGround] the ground is undefined but must be a grey'],
  ['a ground in a text', () => onGround(pixels, anything('7')), '[onGround] the ground is 7 but must be a grey'],
  ['a ground of NaN', () => onGround(pixels, NaN), '[onGround] the ground is NaN but'],
];

const kinds = ['DataError', 'ShapeError', 'FormatError'];

describe.each<readonly [string, readonly Slip[]]>([
  ['fields', fieldSlips],
  ['sets', setSlips],
  ['readers', readerSlips],
  ['writeSafetensors', writerSlips],
  ['tables', tableSlips],
  ['loaders', loaderSlips],
  ['pictures', pictureSlips],
])('%s refuse', (_, slips) => {
  test.each(slips)('%s', async (__, call, text) => {
    const error: unknown = await (async () => call())().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toContain(text);
    expect(kinds).toContain((error as Error).name);
  });
});

describe('what is as it should be is taken:', () => {
  test('bytes of an IDX file in a buffer', async () => {
    const file = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 6);
    expect((await readIdx('x', file.buffer)).data).toEqual(Uint8Array.of(5, 6));
  });
  test('tensors of plain numbers, and no texts', () => {
    const file = writeSafetensors({ tensors: { w: { shape: [2], data: anything([1, 2]) } } } as never);
    expect(readSafetensors('w', file)).toMatchObject({ tensors: { w: tensor }, metadata: {} });
  });
  test('a form from JSON, by all that take one', () => {
    const read: TableForm = readTableForm(JSON.parse(JSON.stringify(form)));
    expect([featureCount(read), outputCount(read)]).toEqual([1, 2]);
    expect(answersOf(read, [1, 2, 4, 3])).toEqual(['y', 'x']);
  });
});
