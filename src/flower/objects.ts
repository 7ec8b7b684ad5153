import { FormatError } from '../core/errors.ts';
import type { Bytes } from '../core/globalTypes.ts';
import { joinedBytes } from '../data/bytes.ts';

/*
 * Messages, records and arrays travel as objects: a kind, the names of the objects within it and a length, as text, a zero, and
 * a body. An object's name is the SHA-256 of all that: so one that both sides have is not sent again, and one that was
 * damaged on its way is told. Source: flwr, supercore/inflatable
 */

/** The kinds of objects, the outer ones first. */
export type ObjectKind =
  'Message' | 'RecordDict' | 'ArrayRecord' | 'Array' | 'ArrayChunk' | 'MetricRecord' | 'ConfigRecord';

/** An object that is to be sent. */
export interface OutgoingObject {
  readonly id: string;
  readonly children: readonly OutgoingObject[];
  content(): Bytes;
}

/** An object that came. */
export interface IncomingObject {
  readonly kind: string;
  readonly children: readonly string[];
  readonly body: Uint8Array;
}

/** The objects of a message that came, by name. */
export type IncomingObjects = ReadonlyMap<string, IncomingObject>;

const HEX = 16;

/** SHA-256 as Flower writes it. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Bytes));
  return Array.from(digest, (byte) => byte.toString(HEX).padStart(2, '0')).join('');
}

/** An object of a body and of those within it; the body is kept, not copied. */
export async function outgoing(
  kind: ObjectKind,
  body: Uint8Array,
  children: readonly OutgoingObject[] = [],
): Promise<OutgoingObject> {
  const once = [...new Map(children.map((child) => [child.id, child])).values()];
  const head = new TextEncoder().encode(`${kind} ${once.map(({ id }) => id).join(',')} ${body.length}\0`);
  const content = () => joinedBytes([head, body]);
  return { id: await sha256(content()), children: once, content };
}

/** The names of an object and of all within it, as they come in front of a message's objects. */
interface Tree {
  readonly objectId: string;
  readonly children: Tree[];
}

export const treeOf = ({ id, children }: OutgoingObject): Tree => ({
  objectId: id,
  children: children.map(treeOf),
});

/** All names in a tree, each once. */
export function idsIn(tree: Tree, ids = new Set<string>()): ReadonlySet<string> {
  ids.add(tree.objectId);
  for (const child of tree.children) idsIn(child, ids);
  return ids;
}

/** An object and all within it, each once, those within first. */
export function* innermostFirst(object: OutgoingObject, seen = new Set<string>()): Generator<OutgoingObject> {
  for (const child of object.children) yield* innermostFirst(child, seen);
  if (seen.has(object.id)) return;
  seen.add(object.id);
  yield object;
}

/** @throws FormatError for bytes that are no object, or not the one that was asked for */
export async function incoming(id: string, bytes: Uint8Array): Promise<IncomingObject> {
  const end = bytes.indexOf(0);
  const words = new TextDecoder().decode(bytes.subarray(0, Math.max(end, 0))).split(' ');
  const [kind = '', children = '', length = ''] = words;
  const body = bytes.subarray(end + 1);
  if (end < 0 || words.length !== 3 || Number(length) !== body.length) {
    throw new FormatError(
      `[flower] the object ${id.slice(0, HEX)}… of ${bytes.length} bytes does not begin as Flower's objects do, with a kind, names and the length of what follows: the SuperLink is of another version, or the connection damaged it`,
    );
  }
  const own = await sha256(bytes);
  if (own !== id) {
    throw new FormatError(
      `[flower] the object ${id.slice(0, HEX)}… came as ${own.slice(0, HEX)}…: it was damaged on its way; look at proxies that change what they hand on`,
    );
  }
  return { kind, children: children === '' ? [] : children.split(','), body };
}

/** An object among those that came. @throws FormatError if it is not there, or of another kind */
export function objectOf(objects: IncomingObjects, id: string, ...kinds: readonly ObjectKind[]): IncomingObject {
  const object = objects.get(id);
  if (object && kinds.some((kind) => kind === object.kind)) return object;
  throw new FormatError(
    `[flower] a message needs the object ${id.slice(0, HEX)}… as ${kinds.join(' or ')}, and it is ${object ? `of the kind ${object.kind.slice(0, 40)}` : 'not among those that came'}: the SuperLink is of another version`,
  );
}
