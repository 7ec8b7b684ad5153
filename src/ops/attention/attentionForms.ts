import type { AdapterTraits, Kernel } from '../../core/launch.ts';
import type { Forms, Node } from '../../graph/graph.ts';
import { LANES } from '../products/subgroupLanes.ts';
import gradText from '../../../shaders/attention/forms/grad.wgsl?raw';
import attentionText from '../../../shaders/attention/forms/attention.wgsl?raw';
import lanesText from '../../../shaders/attention/forms/lanes.wgsl?raw';
import lanesGradText from '../../../shaders/attention/forms/lanesGrad.wgsl?raw';
import tileText from '../../../shaders/attention/forms/tile.wgsl?raw';
import tilesText from '../../../shaders/attention/forms/tiles.wgsl?raw';
import tilesGradText from '../../../shaders/attention/forms/tilesGrad.wgsl?raw';
import type { Attrs, Extents } from './attentionNode.ts';

/*
 * Where a CPU plays the GPU, eight lanes have rows of their own and hand each other what each has loaded of the others; the
 * result is where they add up, so that one text serves any number of channels. On a card an invocation has four rows by four,
 * and their channels in registers; of the two sizes of a tile the larger one reads each number half as often, and has a
 * quarter of the workgroups.
 */

/** A kernel of attention, and one of its way back: the rows of a workgroup, and what they are made of. */
interface Form {
  readonly rows: number;
  readonly forward: string;
  readonly backward: string;
  readonly constants: NonNullable<Kernel['constants']>;
  /** Bytes of workgroup memory. */
  readonly shared: number;
  readonly invocations: number;
  /** Whether lanes of a subgroup hand each other what they have. */
  readonly handsOver?: true;
}

/** Own rows of a lane; see shaders/attention/forms/lanes.wgsl. */
const OWN = 2;

const lanes: Form = {
  rows: LANES * OWN,
  forward: `${attentionText}\n${lanesText}`,
  backward: `${attentionText}\n${gradText}\n${lanesGradText}`,
  constants: {},
  shared: 0,
  invocations: LANES,
  handsOver: true,
};

/** Channels of a step of the scores; as much memory holds rows of channels. */
const CHANNELS = 16;
const BYTES = 16;
/** Fours of channels of a row for which an invocation has registers. */
const MOST_COLUMN_QUADS = 4;

function tiles(rows: number, { D }: Extents, unrolls: boolean): Form | undefined {
  const quads = rows / 4;
  const columnQuads = Math.ceil(D / rows);
  if (columnQuads > MOST_COLUMN_QUADS) return undefined;
  const held = 2 ** Math.floor(Math.log2((2 * CHANNELS) / columnQuads));
  return {
    rows,
    forward: `${attentionText}\n${tileText}\n${tilesText}`,
    backward: `${attentionText}\n${gradText}\n${tileText}\n${tilesGradText}`,
    constants: {
      TILE: `${rows}u`,
      COLUMN_QUADS: `${columnQuads}u`,
      ROWS: `${Math.min(held, rows)}u`,
      UNROLLS: String(unrolls),
    },
    shared: (2 * CHANNELS + rows + quads) * quads * BYTES,
    invocations: quads * quads,
  };
}

/** The forms by name, as far as an adapter can do them. */
function ladderOf(extents: Extents, adapter: AdapterTraits): ReadonlyMap<string, Form> {
  const { software, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = adapter;
  const onCard = [32, 64].map((rows) => [`tiles${rows}`, tiles(rows, extents, !software)] as const);
  const rungs = software ? [['lanes', lanes] as const, ...onCard] : [...onCard, ['lanes', lanes] as const];
  return new Map(
    rungs.flatMap(([name, form]) =>
      form && form.invocations <= maxComputeInvocationsPerWorkgroup && form.shared <= maxComputeWorkgroupStorageSize
        ? [[name, form] as const]
        : [],
    ),
  );
}

const nextPower = (count: number): number => 2 ** Math.ceil(Math.log2(count));

export function formsOf({ op, attrs: { extents } }: Node<Attrs>, adapter: AdapterTraits): Forms {
  const { N, T, S, H, D } = extents;
  const sizes = [N * H, T, S, D].map(nextPower).join('×');
  return { kind: `${op.name} ${sizes}`, names: [...ladderOf(extents, adapter).keys()] };
}

/** A form by its name; the likeliest if none is named. */
export function formOf(node: Node<Attrs>, adapter: AdapterTraits, name?: string): Form {
  const ladder = ladderOf(node.attrs.extents, adapter);
  const form = ladder.get(name ?? [...ladder.keys()][0]);
  if (!form) throw new Error(`[${node.op.name}] has no form ${name} on this adapter`);
  return form;
}
