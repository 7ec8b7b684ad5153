import { sizeOf, type Shape } from '../../core/shape.ts';
import type { Bytes } from '../../core/globalTypes.ts';
import { MESSAGES, SIGNATURE } from './fields.ts';

/*
 * The plain form of HDF5, as h5py writes it by default: superblock 0, a symbol table for each group, f32 in one piece.
 * Source: The HDF Group, "HDF5 File Format Specification", version 1.1.
 */

/** A group's members by name, or an array. */
interface Group {
  readonly members: Map<string, Group | Hdf5Numbers>;
}

/** What is to be written. */
export interface Hdf5Numbers {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** Where a group lies, and what its entry holds of it. */
interface Written {
  readonly header: number;
  readonly tree: number;
  readonly heap: number;
}

const SUPERBLOCK = 96;
const ENTRY = 40;
/** Entries of a leaf, and half of them, as the superblock has it. */
const [LEAF, LEAF_K] = [8, 4];
const LEAST_TREE_K = 16;
const NOTHING = 0xffffffffffffffffn;
/** Free space of a heap that has none. */
const NO_FREE = 1;
const STEP = 8;

const rounded = (bytes: number): number => Math.ceil(bytes / STEP) * STEP;

/** Bytes that grow behind each other, each block at a multiple of 8. */
class Blocks {
  length = SUPERBLOCK;
  readonly #blocks: { readonly at: number; readonly bytes: Uint8Array }[] = [];

  add(bytes: Uint8Array): number {
    const at = this.length;
    this.#blocks.push({ at, bytes });
    this.length = at + rounded(bytes.length);
    return at;
  }

  /** All of them behind a superblock. */
  joined(superblock: Uint8Array): Bytes {
    const file = new Uint8Array(this.length);
    file.set(superblock);
    for (const { at, bytes } of this.#blocks) file.set(bytes, at);
    return file;
  }
}

/** A field of some bytes: `[bytes, number]`. */
type Field = readonly [bytes: 1 | 2 | 4 | 8, value: number | bigint];

/** Fields one behind the other, with room behind them. */
function record(fields: readonly (Field | string)[], room = 0): Uint8Array {
  const lengths = fields.map((field) => (typeof field === 'string' ? field.length : field[0]));
  const bytes = new Uint8Array(
    Math.max(
      room,
      lengths.reduce((total, length) => total + length, 0),
    ),
  );
  const view = new DataView(bytes.buffer);
  let at = 0;
  fields.forEach((field, index) => {
    if (typeof field === 'string') bytes.set(new TextEncoder().encode(field), at);
    else if (field[0] === 1) view.setUint8(at, Number(field[1]));
    else if (field[0] === 2) view.setUint16(at, Number(field[1]), true);
    else if (field[0] === 4) view.setUint32(at, Number(field[1]), true);
    else view.setBigUint64(at, BigInt(field[1]), true);
    at += lengths[index];
  });
  return bytes;
}

/** An object's header of messages, each a multiple of 8 long. */
function headerOf(messages: readonly (readonly [kind: number, fields: readonly Field[]])[]): Uint8Array {
  const parts = messages.map(([kind, fields]) => {
    const data = record(fields, rounded(fields.reduce((total, [bytes]) => total + bytes, 0)));
    return [
      record([
        [2, kind],
        [2, data.length],
        [4, 0],
      ]),
      data,
    ] as const;
  });
  const size = parts.reduce((total, [head, data]) => total + head.length + data.length, 0);
  const bytes = new Uint8Array(16 + size);
  bytes.set(
    record([
      [1, 1],
      [1, 0],
      [2, messages.length],
      [4, 1],
      [4, size],
    ]),
  );
  let at = 16;
  for (const part of parts.flat()) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** IEEE 754's 32 bits, the low ones first. */
const FLOAT32: readonly Field[] = [
  [1, 0x11],
  [1, 0x20],
  [1, 31],
  [1, 0],
  [4, 4],
  [2, 0],
  [2, 32],
  [1, 23],
  [1, 8],
  [1, 0],
  [1, 23],
  [4, 127],
];

function addArray(blocks: Blocks, { shape, data }: Hdf5Numbers): number {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const at = data.length > 0 ? blocks.add(bytes) : NOTHING;
  return blocks.add(
    headerOf([
      [MESSAGES.dataspace, [[1, 1], [1, shape.length], [2, 0], [4, 0], ...shape.map((extent): Field => [8, extent])]],
      [MESSAGES.datatype, FLOAT32],
      [
        MESSAGES.layout,
        [
          [1, 3],
          [1, 1],
          [8, at],
          [8, 4 * sizeOf(shape)],
        ],
      ],
    ]),
  );
}

/** Names one behind the other, the empty one first; and where each begins. */
function heapOf(names: readonly string[]): { readonly bytes: Uint8Array; readonly offsets: readonly number[] } {
  const encoded = names.map((name) => new TextEncoder().encode(name));
  let length = STEP;
  const offsets = encoded.map((name) => {
    const at = length;
    length += rounded(name.length + 1);
    return at;
  });
  const bytes = new Uint8Array(length);
  encoded.forEach((name, at) => bytes.set(name, offsets[at]));
  return { bytes, offsets };
}

const isArray = (member: Group | Hdf5Numbers): member is Hdf5Numbers => 'data' in member;

/** In the order of bytes, in which the format looks for names. */
const byBytes = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

function addGroup(blocks: Blocks, group: Group, treeK: number): Written {
  const members = [...group.members].sort(byBytes);
  const { bytes, offsets } = heapOf(members.map(([name]) => name));
  const entries = members.map(([, member], at): Uint8Array => {
    if (isArray(member)) return entryOf(offsets[at], { header: addArray(blocks, member) });
    return entryOf(offsets[at], addGroup(blocks, member, treeK));
  });
  const leaves = Array.from({ length: Math.max(1, Math.ceil(entries.length / LEAF)) }, (_, leaf) => {
    const own = entries.slice(leaf * LEAF, (leaf + 1) * LEAF);
    const node = record(['SNOD', [1, 1], [1, 0], [2, own.length]], 8 + LEAF * ENTRY);
    own.forEach((entry, at) => node.set(entry, 8 + at * ENTRY));
    const last = offsets[leaf * LEAF + own.length - 1] ?? 0;
    return { at: blocks.add(node), last };
  });
  const keys = leaves.flatMap(({ at, last }): Field[] => [
    [8, at],
    [8, last],
  ]);
  const tree = blocks.add(
    record(
      ['TREE', [1, 0], [1, 0], [2, leaves.length], [8, NOTHING], [8, NOTHING], [8, 0], ...keys],
      24 + 8 * (4 * treeK + 1),
    ),
  );
  const names = blocks.add(bytes);
  const heap = blocks.add(record(['HEAP', [4, 0], [8, bytes.length], [8, NO_FREE], [8, names]]));
  const header = blocks.add(
    headerOf([
      [
        MESSAGES.symbolTable,
        [
          [8, tree],
          [8, heap],
        ],
      ],
    ]),
  );
  return { header, tree, heap };
}

/** What a group's leaf says of a member. */
const entryOf = (name: number, { header, tree, heap }: Pick<Written, 'header'> & Partial<Written>): Uint8Array =>
  record(
    tree === undefined
      ? [
          [8, name],
          [8, header],
        ]
      : [
          [8, name],
          [8, header],
          [4, 1],
          [4, 0],
          [8, tree],
          [8, heap!],
        ],
    ENTRY,
  );

function groupsOf(arrays: Readonly<Record<string, Hdf5Numbers>>): Group {
  const root: Group = { members: new Map() };
  for (const [path, array] of Object.entries(arrays)) {
    const steps = path.split('/');
    let group = root;
    for (const step of steps.slice(0, -1)) {
      const known = group.members.get(step);
      const next: Group = known && !isArray(known) ? known : { members: new Map() };
      group.members.set(step, next);
      group = next;
    }
    group.members.set(steps.at(-1)!, array);
  }
  return root;
}

const mostMembers = (group: Group): number =>
  Math.max(
    group.members.size,
    ...[...group.members.values()].map((member) => (isArray(member) ? 0 : mostMembers(member))),
  );

/** An HDF5 file of arrays by their paths: `layers/dense/vars/0`. */
export function writeHdf5(arrays: Readonly<Record<string, Hdf5Numbers>>): Bytes {
  const root = groupsOf(arrays);
  const treeK = Math.max(LEAST_TREE_K, Math.ceil(mostMembers(root) / LEAF / 2));
  const blocks = new Blocks();
  const written = addGroup(blocks, root, treeK);
  const superblock = record([
    ...SIGNATURE.map((byte): Field => [1, byte]),
    ...[0, 0, 0, 0, 0, STEP, STEP, 0].map((byte): Field => [1, byte]),
    [2, LEAF_K],
    [2, treeK],
    [4, 0],
    [8, 0],
    [8, NOTHING],
    [8, blocks.length],
    [8, NOTHING],
  ]);
  const head = new Uint8Array(SUPERBLOCK);
  head.set(superblock);
  head.set(entryOf(0, written), superblock.length);
  return blocks.joined(head);
}
