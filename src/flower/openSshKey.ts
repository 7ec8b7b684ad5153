import { FormatError } from '../core/errors.ts';
import { fromBase64, toBase64 } from './base64.ts';

/** A key's curve and numbers, as in JSON Web Keys. */
export interface EllipticKey {
  readonly curve: string;
  readonly x: string;
  readonly y: string;
  readonly d: string;
}

const MAGIC = 'openssh-key-v1\0';
const WORD = 4;
/** What the names of such keys begin with, before their curve's. */
const FAMILY = 'ecdsa-sha2-';
/** What is in front of x and y. Source: SEC 1, 2.3.3 */
const UNCOMPRESSED = 4;
const curves: Readonly<Record<string, { readonly curve: string; readonly bytes: number }>> = {
  'ecdsa-sha2-nistp256': { curve: 'P-256', bytes: 32 },
  'ecdsa-sha2-nistp384': { curve: 'P-384', bytes: 48 },
  'ecdsa-sha2-nistp521': { curve: 'P-521', bytes: 66 },
};

/** As base64 is written in addresses. */
const url = (bytes: Uint8Array): string =>
  toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

/** The bytes of a number that is written so. */
const bytesOf = (number: string): Uint8Array => fromBase64('the key', number.replaceAll('-', '+').replaceAll('_', '/'));

/** A public key in the one line that OpenSSH has for it. Source: RFC 5656, 3.1 */
export function openSshLine(curve: string, x: string, y: string): string {
  const [kind] = Object.entries(curves).find(([, own]) => own.curve === curve)!;
  const text = new TextEncoder();
  const point = Uint8Array.from([UNCOMPRESSED, ...bytesOf(x), ...bytesOf(y)]);
  const fields = [text.encode(kind), text.encode(kind.slice(FAMILY.length)), point].flatMap(prefixed);
  return `${kind} ${toBase64(Uint8Array.from(fields))}`;
}

/** A field behind its length. */
function prefixed(field: Uint8Array): number[] {
  const length = new DataView(new ArrayBuffer(WORD));
  length.setUint32(0, field.length);
  return [...new Uint8Array(length.buffer), ...field];
}

/** What is in a file of OpenSSH's, field by field, each behind its length. */
class Fields {
  readonly #name: string;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(name: string, bytes: Uint8Array) {
    this.#name = name;
    this.#bytes = bytes;
  }

  word(): number {
    const { buffer, byteOffset, length } = this.#take(WORD);
    return new DataView(buffer, byteOffset, length).getUint32(0);
  }

  field(): Uint8Array {
    return this.#take(this.word());
  }

  text(): string {
    return new TextDecoder().decode(this.field());
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) {
      throw new FormatError(
        `[readNodeKey] ${this.#name} ends within a field of ${length} bytes, of which it has ${this.#bytes.length - this.#at}: it was cut short; copy it anew`,
      );
    }
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** What `ssh-keygen -t ecdsa` wrote. Source: OpenSSH, PROTOCOL.key; RFC 5656 */
export function openSshKey(name: string, bytes: Uint8Array): EllipticKey {
  const begin = MAGIC.length;
  if (new TextDecoder().decode(bytes.subarray(0, begin)) !== MAGIC) {
    throw new FormatError(`[readNodeKey] ${name} does not begin with openssh-key-v1: copy it anew`);
  }
  const file = new Fields(name, bytes.subarray(begin));
  const cipher = file.text();
  if (cipher !== 'none') {
    throw new FormatError(
      `[readNodeKey] ${name} is encrypted by ${cipher.slice(0, 40)}: make a key without a passphrase, by ssh-keygen -t ecdsa -b 384 -N ""`,
    );
  }
  // How its key would be derived, with what, how many keys there are, and the first one's public half.
  file.field();
  file.field();
  file.word();
  file.field();
  const secret = new Fields(name, file.field());
  // Two equal words, by which a wrong passphrase is told.
  secret.word();
  secret.word();
  const kind = secret.text();
  if (!Object.hasOwn(curves, kind)) {
    throw new FormatError(
      `[readNodeKey] ${name} is a key of the kind ${kind.slice(0, 40)}, and Flower's nodes have elliptic ones: make one by ssh-keygen -t ecdsa -b 384 -N ""`,
    );
  }
  const { curve, bytes: length } = curves[kind];
  secret.text();
  const point = secret.field();
  const number = secret.field();
  // 4, x and y; and a number that may have a zero in front, or lack one.
  const d = new Uint8Array(length);
  const kept = number.subarray(-length);
  d.set(kept, length - kept.length);
  return { curve, x: url(point.subarray(1, 1 + length)), y: url(point.subarray(1 + length)), d: url(d) };
}
