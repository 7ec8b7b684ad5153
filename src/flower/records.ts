import { create, toBinary } from '@bufbuild/protobuf';
import { FormatError } from '../core/errors.ts';
import { joinedBytes } from '../data/bytes.ts';
import { readNpy, writeNpy, type NumpyArray } from '../interop/numpy/npy.ts';
import {
  ConfigRecordSchema,
  DoubleListSchema,
  MetricRecordSchema,
  MetricRecordValueSchema,
  type ConfigRecordValue,
  type MetricRecordValue,
} from './fleet_pb.ts';
import { objectOf, outgoing, type IncomingObjects, type OutgoingObject } from './objects.ts';
import type { ConfigValue, NamedArrays } from './options.ts';
import { readMessage } from './wire.ts';

/** What a message holds, its records of one kind in one. */
export interface Records {
  readonly arrays: NamedArrays;
  readonly metrics: Readonly<Record<string, ConfigValue>>;
  readonly config: Readonly<Record<string, ConfigValue>>;
}

/** The metric by which averages are weighted. */
export const EXAMPLES = 'num-examples';
/** By which a body's array is told from what others may send one day. */
const NUMPY = 'numpy.ndarray';
/** Of an array's bytes, a chunk. Source: flwr, FLWR_PRIVATE_MAX_ARRAY_CHUNK_SIZE */
export const CHUNK_BYTES = 5_242_880;

const textOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** An object as JSON whose names stay in their order, which those that are numbers would not. */
const namesOf = (entries: readonly (readonly [name: string, id: string])[]): Uint8Array =>
  new TextEncoder().encode(
    `{${entries.map(([name, id]) => `${JSON.stringify(name)}: ${JSON.stringify(id)}`).join(', ')}}`,
  );

/** @throws FormatError for what is no JSON, or no object */
function jsonOf(kind: string, body: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FormatError(
    `[flower] the body of ${kind} of ${body.length} bytes is no JSON object: the SuperLink is of another version`,
  );
}

/** What a `RecordDict` has, with all its objects. @throws FormatError for what is none */
export function readRecords(objects: IncomingObjects, id: string): Records {
  const records = Object.values(jsonOf('RecordDict', objectOf(objects, id, 'RecordDict').body));
  const arrays = new Map<string, NumpyArray>();
  const metrics: Record<string, ConfigValue> = {};
  const config: Record<string, ConfigValue> = {};
  for (const record of records.map(String)) {
    const { kind, body } = objectOf(objects, record, 'ArrayRecord', 'MetricRecord', 'ConfigRecord');
    if (kind === 'ArrayRecord') {
      for (const [name, array] of Object.entries(jsonOf(kind, body))) {
        requireNew(kind, name, arrays.has(name));
        arrays.set(name, readArray(objects, name, String(array)));
      }
    } else if (kind === 'MetricRecord') {
      for (const { key, value } of readMessage(MetricRecordSchema, body).items) set(kind, metrics, key, valueOf(value));
    } else
      for (const { key, value } of readMessage(ConfigRecordSchema, body).items) set(kind, config, key, valueOf(value));
  }
  return { arrays, metrics, config };
}

/** @throws FormatError where two records of a message have one name, of which only one could count */
function requireNew(kind: string, name: string, isThere: boolean): void {
  if (!isThere) return;
  throw new FormatError(
    `[flower] "${name}" is in two records of the kind ${kind} of one message, and a node takes them as one: name what is in the second one otherwise`,
  );
}

const set = (kind: string, record: Record<string, ConfigValue>, name: string, value: ConfigValue | undefined): void => {
  requireNew(kind, name, Object.hasOwn(record, name));
  if (value !== undefined) Object.defineProperty(record, name, { value, enumerable: true, configurable: true });
};

function readArray(objects: IncomingObjects, name: string, id: string): NumpyArray {
  const { children, body } = objectOf(objects, id, 'Array');
  const { dtype, stype, arraychunk_ids: chunks } = jsonOf('Array', body);
  if (stype !== NUMPY || !Array.isArray(chunks)) {
    throw new FormatError(
      `[flower] the array "${name}" is ${String(dtype).slice(0, 40)} as ${String(stype).slice(0, 40)}, and only ${NUMPY} is read: send it as Array(ndarray)`,
    );
  }
  const parts = chunks.map((at) => objectOf(objects, children[Number(at)] ?? '', 'ArrayChunk').body);
  return readNpy(`the array "${name}"`, joinedBytes(parts));
}

/** What a value is; whole numbers as such while they are exact. */
function valueOf(given: MetricRecordValue | ConfigRecordValue | undefined): ConfigValue | undefined {
  const { case: kind, value } = given?.value ?? { case: undefined };
  if (kind === undefined) return undefined;
  if (typeof value === 'object' && 'vals' in value) return value.vals.map(exact);
  return exact(value);
}

const exact = <T extends Exclude<ConfigValue, readonly unknown[]>>(value: T): T | number =>
  typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : value;

/** A metric as protobuf has it; how many samples there were is a whole number. */
function metricOf(name: string, value: number | readonly number[]): MetricRecordValue {
  if (name === EXAMPLES)
    return create(MetricRecordValueSchema, { value: { case: 'sint64', value: BigInt(Number(value)) } });
  if (typeof value === 'number') return create(MetricRecordValueSchema, { value: { case: 'double', value } });
  const list = create(DoubleListSchema, { vals: [...value] });
  return create(MetricRecordValueSchema, { value: { case: 'doubleList', value: list } });
}

/** The objects of a reply's records: `arrays`, unless there are none, and `metrics`. */
export async function writeRecords(
  arrays: NamedArrays | undefined,
  metrics: Readonly<Record<string, number | readonly number[]>>,
): Promise<OutgoingObject> {
  const items = Object.entries(metrics).map(([key, value]) => ({ key, value: metricOf(key, value) }));
  const numbers = toBinary(MetricRecordSchema, create(MetricRecordSchema, { items }));
  const records: (readonly [name: string, record: OutgoingObject])[] = [];
  if (arrays) records.push(['arrays', await writeArrays(arrays)]);
  records.push(['metrics', await outgoing('MetricRecord', numbers)]);
  const body = namesOf(records.map(([name, { id }]) => [name, id]));
  return outgoing(
    'RecordDict',
    body,
    records.map(([, record]) => record),
  );
}

async function writeArrays(arrays: NamedArrays): Promise<OutgoingObject> {
  const written: (readonly [name: string, array: OutgoingObject])[] = [];
  for (const [name, array] of arrays) written.push([name, await writeArray(array)]);
  return outgoing(
    'ArrayRecord',
    namesOf(written.map(([name, { id }]) => [name, id])),
    written.map(([, array]) => array),
  );
}

async function writeArray(array: NumpyArray): Promise<OutgoingObject> {
  const bytes = writeNpy(array);
  const chunks: OutgoingObject[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    chunks.push(await outgoing('ArrayChunk', bytes.subarray(at, at + CHUNK_BYTES)));
  }
  // Chunks that are alike are one object.
  const once = [...new Set(chunks.map(({ id }) => id))];
  const body = {
    dtype: dtypeOf(array),
    shape: array.shape,
    stype: NUMPY,
    arraychunk_ids: chunks.map(({ id }) => once.indexOf(id)),
  };
  return outgoing('Array', textOf(body), chunks);
}

/** As NumPy calls it. */
const dtypeOf = ({ data }: NumpyArray): string =>
  data instanceof Float32Array
    ? 'float32'
    : data instanceof Int32Array
      ? 'int32'
      : data instanceof Uint32Array
        ? 'uint32'
        : 'uint8';
