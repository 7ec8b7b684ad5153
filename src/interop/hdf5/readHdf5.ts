import { sizeOf, type Shape } from '../../core/shape.ts';
import { refuse } from './refusal.ts';
import { objectMessages, type Message } from './objectHeader.ts';
import { numbersIn, typeIn, type NumberType } from './numberTypes.ts';
import { fieldsOf, MESSAGES, SIGNATURE, UNDEFINED, type Fields } from './fields.ts';

/*
 * The plain form of HDF5, which h5py writes by default and Keras' files have: superblock 0, groups as symbol tables, numbers
 * in one piece. Nothing is read that is not in the file, and no block twice, so a damaged file ends as others do. Source:
 * The HDF Group, "HDF5 File Format Specification", version 1.1 and 3.0.
 */

/** An array in a file. */
export interface Hdf5Array {
  readonly shape: Shape;
  /** @throws FormatError for a kind of numbers that is not read */
  numbers(): Float32Array;
}

const LENGTH = 8;
const ENTRY = 40;
const LONGEST_NAME = 1024;
/** More groups within each other than any model has layers within each other. */
const DEEPEST = 64;

interface Place {
  readonly path: string;
  readonly header: number;
  readonly depth: number;
}

/** All arrays of a file, by their paths: `layers/dense/vars/0`. @throws FormatError for another form, or a damaged file */
export function readHdf5(bytes: Uint8Array): ReadonlyMap<string, Hdf5Array> {
  const fields = fieldsOf(bytes);
  requirePlain(fields);
  const arrays = new Map<string, Hdf5Array>();
  const seen = new Set<number>();
  const places: Place[] = [{ path: '', header: fields.place(rootOf(fields) + LENGTH), depth: 0 }];
  for (let place = places.pop(); place; place = places.pop()) {
    const { path, header, depth } = place;
    if (seen.has(header)) refuse(`"${path}" is the same object as another, or as one that it lies in`, 'save it again');
    if (depth > DEEPEST) refuse(`"${path}" lies more than ${DEEPEST} groups deep`, 'save it again');
    seen.add(header);
    const messages = objectMessages(fields, header, path);
    const table = messages.find(({ kind }) => kind === MESSAGES.symbolTable);
    if (table) places.push(...membersOf(fields, table, path, depth, seen));
    else arrays.set(path, arrayOf(fields, messages, path));
  }
  return arrays;
}

function requirePlain(fields: Fields): void {
  const signature = SIGNATURE.every((byte, at) => fields.has(at, 1) && fields.byte(at) === byte);
  if (!signature) refuse('the file does not begin as HDF5 does', 'it is another kind of file, or was damaged');
  const version = fields.byte(8);
  if (version > 1) {
    refuse(`the file has superblock ${version}`, '0 and 1 are read, which h5py writes without libver="latest"');
  }
  if (fields.byte(13) !== LENGTH || fields.byte(14) !== LENGTH)
    refuse('offsets and lengths must have 8 bytes each', 'the file was damaged');
  if (fields.place(rootOf(fields) - 32) !== 0) refuse('the file has a base address', 'one that begins at 0 is read');
}

/** Where the root's entry stands. */
const rootOf = (fields: Fields): number => (fields.byte(8) === 0 ? 56 : 60);

function membersOf(fields: Fields, table: Message, path: string, depth: number, seen: Set<number>): Place[] {
  const [tree, heap] = [fields.place(table.at), fields.place(table.at + LENGTH)];
  requireMark(fields, heap, 'HEAP');
  const [nameBytes, names] = [fields.place(heap + 8), fields.place(heap + 24)];
  return symbolNodes(fields, tree, seen).flatMap((node) => {
    requireMark(fields, node, 'SNOD');
    const count = fields.short(node + 6);
    if (!fields.has(node + 8, count * ENTRY))
      refuse(`the group "${path}" says that it has ${count} members`, 'the file was cut short');
    return Array.from({ length: count }, (_, at) => {
      const entry = node + 8 + at * ENTRY;
      const name = nameAt(fields, names, nameBytes, fields.place(entry));
      if (fields.word(entry + 16) === 2) refuse(`"${join(path, name)}" is a link`, 'save what it stands for');
      return { path: join(path, name), header: fields.place(entry + LENGTH), depth: depth + 1 };
    });
  });
}

const join = (path: string, name: string): string => (path ? `${path}/${name}` : name);

function requireMark(fields: Fields, at: number, mark: string): void {
  if (fields.text(at, mark.length) !== mark) refuse(`at byte ${at} "${mark}" is expected`, 'the file was damaged');
}

/** The leaves of a group's tree, in the order of their names. */
function symbolNodes(fields: Fields, root: number, seen: Set<number>): number[] {
  let nodes = [root];
  for (let level: number | undefined; nodes.length > 0;) {
    const children: number[] = [];
    for (const node of nodes) {
      requireMark(fields, node, 'TREE');
      const own = fields.byte(node + 5);
      if (fields.byte(node + 4) !== 0 || (level !== undefined && own !== level))
        refuse(`the tree at byte ${node} is damaged`, 'the file was damaged');
      level = own;
      for (let at = 0; at < fields.short(node + 6); at++) {
        const child = fields.place(node + 24 + LENGTH + at * 2 * LENGTH);
        if (seen.has(child)) refuse(`the tree at byte ${node} has a block twice`, 'the file was damaged');
        seen.add(child);
        children.push(child);
      }
    }
    if (level === 0) return children;
    level = level! - 1;
    nodes = children;
  }
  return [];
}

function nameAt(fields: Fields, names: number, length: number, offset: number): string {
  let end = offset;
  while (end < Math.min(length, offset + LONGEST_NAME) && fields.byte(names + end) !== 0) end++;
  const name = fields.text(names + offset, end - offset);
  if (name === '' || name.includes('/') || name === '.' || name === '..')
    refuse(`a name at byte ${names + offset} is none`, 'the file was damaged');
  return name;
}

function arrayOf(fields: Fields, messages: readonly Message[], path: string): Hdf5Array {
  const of = (kind: number, what: string): Message => {
    const found = messages.find((message) => message.kind === kind);
    if (found) return found;
    refuse(`"${path}" has no ${what}`, 'it is no array, or the file was damaged');
  };
  const shape = shapeIn(fields, of(MESSAGES.dataspace, 'extents'), path);
  const type = typeIn(fields, of(MESSAGES.datatype, 'type').at);
  if (messages.some(({ kind }) => kind === MESSAGES.filters)) return notInOnePiece(path);
  const { at, length } = bytesIn(fields, of(MESSAGES.layout, 'place'), path);
  return { shape, numbers: () => read(fields, path, { shape, type, at, length }) };
}

const notInOnePiece = (path: string): never =>
  refuse(
    `"${path}" is stored in chunks, or compressed`,
    'Keras writes numbers in one piece, save the model again by it',
  );

function shapeIn(fields: Fields, { at }: Message, path: string): Shape {
  const [version, rank] = [fields.byte(at), fields.byte(at + 1)];
  if (version < 1 || version > 2) refuse(`"${path}" has extents of version ${version}`, '1 and 2 are read');
  const first = at + (version === 1 ? 8 : 4);
  const shape = Array.from({ length: rank }, (_, axis) => fields.number(first + axis * LENGTH));
  if (sizeOf(shape) <= fields.length) return shape;
  refuse(`"${path}" is said to have [${shape.join(', ')}] numbers, more than the file`, 'it was damaged');
}

/** Where an array's numbers lie: in one piece of the file, or in its header. */
function bytesIn(fields: Fields, { at }: Message, path: string): { readonly at: number; readonly length: number } {
  const [version, form] = [fields.byte(at), fields.byte(at + 1)];
  if (version !== 3) refuse(`"${path}" is laid out by version ${version}`, '3 is read, which h5py writes');
  if (form === 0) return { at: at + 4, length: fields.short(at + 2) };
  if (form !== 1) return notInOnePiece(path);
  const length = fields.number(at + 10);
  return fields.isUndefined(at + 2) ? { at: UNDEFINED, length } : { at: fields.place(at + 2), length };
}

interface Stored {
  readonly shape: Shape;
  readonly type: NumberType | string;
  readonly at: number;
  readonly length: number;
}

function read(fields: Fields, path: string, { shape, type, at, length }: Stored): Float32Array {
  if (typeof type === 'string') refuse(`"${path}" is ${type}`, 'floats and integers of up to 8 bytes are read');
  const count = sizeOf(shape);
  if (count === 0) return new Float32Array(0);
  if (at === UNDEFINED) refuse(`"${path}" was never written`, 'save the model again');
  if (length < count * type.bytes || !fields.has(at, count * type.bytes)) {
    refuse(`"${path}" has fewer bytes than its [${shape.join(', ')}] numbers need`, 'the file was cut short');
  }
  return numbersIn(fields.slice(at, count * type.bytes), type, count);
}
