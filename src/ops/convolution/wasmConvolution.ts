import { output as outputAt, type Word } from '../../core/launch.ts';
import { grainOver, THREAD_ROOM, type WasmLaunch, type WasmWork } from '../../core/wasmLaunch.ts';
import { COLUMNS, columnSums, grainOf, panelsOf } from '../products/wasmProduct.ts';
import { isDepthwise } from './depthwise.ts';
import { imageStep, tapStep, type Convolution } from './patches.ts';
import { spanOf, type Axes, type Axis } from './spatial.ts';

/* Launches of the kernels in assembly/convolution.ts. */

/** Bytes that a thread has for what lies under the windows of an item's places. */
const COPY_BYTES = THREAD_ROOM - 167_936;

/** Places of an item, and whose patches are in panels at once where they are the terms. */
const ITEM_PLACES = 128;
const FEW_PLACES = 32;
const CHUNK_PLACES = 256;
/** Items that keep all threads busy. */
const BUSY = 32;
/** Of the weights' gradient, what an item has. */
const ITEM_ROWS = 512;
const ITEM_FEATURES = 128;

const area = (axes: Axes): number => axes[0].output * axes[1].output;
const tapsOf = (axes: Axes): number => axes[0].window * axes[1].window;

/** Pixels under the windows of so many neighbours along an axis. */
const under = (axis: Axis, places: number): number => (places - 1) * axis.stride + Math.max(1, spanOf(axis));

/** Whether no window reaches beyond the image. */
const isInside = ({ input, output, stride, before, ...window }: Axis): boolean =>
  before <= 0 && (output - 1) * stride - before + spanOf(window) <= input;

interface Cut {
  /** What is cut: all places, 1: each image's, 2: each row's. */
  readonly cut: 0 | 1 | 2;
  /** Places of a piece. */
  readonly places: number;
  readonly pieces: number;
}

/** Places in pieces of about so many, whose pixels have room in a thread's own; undefined if one's have not. */
function cutOf(images: number, axes: Axes, most: number, pixelBytes: number, inside: boolean): Cut | undefined {
  const [down, across] = axes;
  const fits = (pixels: number): boolean => inside || pixels * pixelBytes <= COPY_BYTES;
  const image = under(down, down.output) * under(across, across.output);
  if (area(axes) <= most && fits(image)) {
    let together = Math.min(images, Math.floor(most / area(axes)));
    while (!fits(together * image)) together--;
    return { cut: 0, places: together * area(axes), pieces: Math.ceil(images / together) };
  }
  let rows = Math.floor(most / across.output);
  while (rows > 0 && !fits(under(down, rows) * under(across, across.output))) rows--;
  if (rows > 0) {
    const pieces = Math.ceil(down.output / rows);
    return { cut: 1, places: Math.ceil(down.output / pieces) * across.output, pieces: images * pieces };
  }
  let columns = Math.min(most, across.output);
  while (columns > 0 && !fits(under(down, 1) * under(across, columns))) columns--;
  if (columns === 0) return undefined;
  const pieces = Math.ceil(across.output / columns);
  return { cut: 2, places: Math.ceil(across.output / pieces), pieces: images * down.output * pieces };
}

const wordsOf = (axis: Axis): Word[] => [
  axis.input,
  axis.window,
  axis.stride,
  axis.dilation,
  axis.before >>> 0,
  axis.output,
  tapStep(axis),
  0,
];

/** Whether there is anything to multiply. */
const isEmpty = ({ images, axes, channels, features }: Convolution): boolean =>
  images * channels * features * area(axes) * axes[0].input * axes[1].input === 0;

/** The slide of a gradient over places, for the first phase of pixels: none has more. */
const backwards = (axis: Axis): Axis => ({
  input: axis.output,
  window: Math.ceil(axis.window / tapStep(axis)),
  stride: 1,
  dilation: imageStep(axis),
  before: 0,
  output: Math.ceil(axis.input / axis.stride),
});

/** The convolution, or the gradient of its images. @param bias an input that is added to each pixel made */
export function patchesInWasm(
  role: 'forward' | 'spread',
  convolution: Convolution,
  bias: number | 'nothing',
): WasmWork | undefined {
  if (isEmpty(convolution)) return undefined;
  const isBack = role === 'spread';
  const { images, groups } = convolution;
  const axes: Axes = isBack ? [backwards(convolution.axes[0]), backwards(convolution.axes[1])] : convolution.axes;
  const [read, made] = isBack
    ? [convolution.features, convolution.channels]
    : [convolution.channels, convolution.features];
  const inside = !isBack && axes.every(isInside);
  const most = images * area(axes) < BUSY * ITEM_PLACES ? FEW_PLACES : ITEM_PLACES;
  const cut = cutOf(images, axes, most, 4 * read, inside);
  if (!cut) return undefined;
  const phases = isBack ? convolution.axes[0].stride * convolution.axes[1].stride : 1;
  const terms = (tapsOf(axes) * read) / groups;
  const panels = groups * panelsOf(made / groups);
  const product: WasmLaunch = {
    kernel: 'patches',
    operands: [0, 'room', bias, outputAt(0)],
    words: [
      images,
      read,
      made,
      groups,
      Number(isBack),
      Number(inside),
      cut.cut,
      cut.places,
      cut.pieces,
      terms,
      ...convolution.axes.flatMap(wordsOf),
    ],
    items: phases * cut.pieces,
    grain: grainOf(cut.places * terms * made),
  };
  if (isDepthwise(convolution) && read === made) {
    const operands = [0, 1, bias, outputAt(0)] as const;
    return { launches: [{ ...product, kernel: 'depthwise', operands }] };
  }
  const grain = grainOver(COLUMNS * terms);
  const laidOut: WasmLaunch = isBack
    ? {
        kernel: 'tapPanels',
        operands: [1, 'room'],
        words: [made / groups, read / groups, groups, terms, ...convolution.axes.flatMap(wordsOf)],
        items: phases * panels,
        grain,
      }
    : {
        kernel: 'columnPanels',
        operands: [1, 'room'],
        words: [made / groups, terms, 4, 4 * made, (4 * made) / groups],
        items: panels,
        grain,
      };
  return { room: 4 * phases * panels * COLUMNS * terms, launches: [laidOut, product] };
}

/** The gradient of the weights, and the sums of what each feature is sent where a second output takes them. */
export function weightsInWasm(convolution: Convolution, withSums: boolean): WasmWork | undefined {
  if (isEmpty(convolution)) return undefined;
  const { images, axes, channels, features } = convolution;
  const byChannel = isDepthwise(convolution) && channels === features;
  // Of a depthwise convolution an item has channels of many groups.
  const groups = byChannel ? 1 : convolution.groups;
  const [deep, wide] = [channels / groups, byChannel ? 1 : features / groups];
  const taps = tapsOf(axes);
  const inside = axes.every(isInside);
  const channelBlocks = Math.ceil(deep / Math.max(4, 4 * Math.floor(ITEM_ROWS / taps / 4)));
  const channelBlock = channelBlocks === 1 ? deep : 4 * Math.ceil(deep / channelBlocks / 4);
  const featureBlock = Math.min(wide, ITEM_FEATURES);
  const cut = cutOf(images, axes, CHUNK_PLACES, 4 * channelBlock, inside);
  if (!cut) return undefined;
  const { pieces: chunks } = cut;
  const blocks = groups * Math.ceil(deep / channelBlock) * Math.ceil(wide / featureBlock);
  const chunksOfPart = Math.ceil(chunks / Math.min(chunks, Math.ceil(BUSY / blocks)));
  const parts = Math.ceil(chunks / chunksOfPart);
  const size = taps * (byChannel ? 1 : deep) * features;
  return {
    room: parts > 1 ? 4 * parts * size : 0,
    launches: [
      {
        kernel: byChannel ? 'depthwiseWeights' : 'patchWeights',
        operands: [0, 1, parts > 1 ? 'room' : outputAt(0)],
        words: [
          images,
          channels,
          features,
          groups,
          Number(inside),
          cut.cut,
          cut.places,
          chunks,
          chunksOfPart,
          channelBlock,
          featureBlock,
          ...axes.flatMap(wordsOf),
        ],
        items: parts * blocks,
        grain: grainOf(chunksOfPart * cut.places * channelBlock * taps * featureBlock),
      },
      ...(parts > 1 ? [columnSums('room', outputAt(0), parts, size)] : []),
      ...(withSums ? [columnSums(1, outputAt(1), images * area(axes), features)] : []),
    ],
  };
}
