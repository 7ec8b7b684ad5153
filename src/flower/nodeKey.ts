import { requireKind } from '../core/argumentChecks.ts';
import { DataError, FormatError } from '../core/errors.ts';
import type { Bytes } from '../core/globalTypes.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { openSshKey, openSshLine } from './openSshKey.ts';

/** A pair of keys on one of NIST's elliptic curves, by which a SuperLink knows a node. */
export interface NodeKey {
  /** As PEM (`BEGIN PUBLIC KEY`): what the node shows to the SuperLink. */
  readonly publicKey: string;
  /** The same in a line of OpenSSH's (`ecdsa-sha2-nistp384 …`): what `flwr supernode register` takes, in a file. */
  readonly openSsh: string;
  /** As PEM (`BEGIN PRIVATE KEY`), not encrypted: who has it is this node. */
  readonly privateKey: string;
  /** The signature of an ASCII text by ECDSA over its SHA-256, as DER. */
  sign(text: string): Promise<Bytes>;
}

/** The curve that Flower's own nodes are on. */
const USUAL = 'P-384';
/** Curves' object identifiers as they stand in PKCS #8. Source: RFC 5480 */
const identifiers: Readonly<Record<string, readonly number[]>> = {
  'P-256': [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
  'P-384': [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22],
  'P-521': [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
};

const algorithmOf = (curve: string) => ({ name: 'ECDSA', namedCurve: curve });

/** Makes a new pair of keys, on P-384 as Flower's own nodes do. @throws DataError in a page that was not served securely */
export async function createNodeKey(): Promise<NodeKey> {
  const { privateKey } = await subtle().generateKey(algorithmOf(USUAL), true, ['sign', 'verify']);
  return keyOf(USUAL, privateKey);
}

/**
 * Reads a private key that is not encrypted: PKCS #8 as PEM, or what `ssh-keygen -t ecdsa -b 384` writes.
 * @param name the file's, for messages
 * @throws FormatError for another kind of file or key
 */
export async function readNodeKey(name: string, text: string): Promise<NodeKey> {
  requireKind('readNodeKey', 'name', name, typeof name === 'string', "the file's name");
  requireKind('readNodeKey', 'text', text, typeof text === 'string', 'the text of a private key');
  const [, kind = '', body = ''] = /-----BEGIN ([A-Z ]+)-----([\s\S]+?)-----END \1-----/.exec(text) ?? [];
  if (kind === 'OPENSSH PRIVATE KEY') {
    const { curve, ...coordinates } = openSshKey(name, fromBase64(name, body));
    const jwk = { kty: 'EC', crv: curve, ...coordinates };
    return imported(name, () => subtle().importKey('jwk', jwk, algorithmOf(curve), true, ['sign']), curve);
  }
  if (kind !== 'PRIVATE KEY') {
    throw new FormatError(
      `[readNodeKey] ${name} holds ${kind ? `"${kind}"` : 'no key as PEM'}, not a private key: take one that ssh-keygen -t ecdsa -b 384 -N "" wrote, or make PKCS #8 of it by openssl pkcs8 -topk8 -nocrypt`,
    );
  }
  const bytes = fromBase64(name, body);
  const curve = Object.keys(identifiers).find((each) => includes(bytes, identifiers[each])) ?? USUAL;
  return imported(name, () => subtle().importKey('pkcs8', bytes, algorithmOf(curve), true, ['sign']), curve);
}

async function imported(name: string, read: () => Promise<CryptoKey>, curve: string): Promise<NodeKey> {
  try {
    return await keyOf(curve, await read());
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new FormatError(
      `[readNodeKey] ${name} holds no private key on P-256, P-384 or P-521: make one by ssh-keygen -t ecdsa -b 384 -N ""`,
      { cause: error },
    );
  }
}

async function keyOf(curve: string, key: CryptoKey): Promise<NodeKey> {
  const { kty, crv, x, y } = await subtle().exportKey('jwk', key);
  const own = await subtle().importKey('jwk', { kty, crv, x, y } as JsonWebKey, algorithmOf(curve), true, ['verify']);
  const [open, secret] = await Promise.all([subtle().exportKey('spki', own), subtle().exportKey('pkcs8', key)]);
  return {
    publicKey: pem('PUBLIC KEY', open),
    openSsh: openSshLine(curve, x!, y!),
    privateKey: pem('PRIVATE KEY', secret),
    async sign(text) {
      const hashed = { name: 'ECDSA', hash: 'SHA-256' };
      return derOf(new Uint8Array(await subtle().sign(hashed, key, new TextEncoder().encode(text))));
    },
  };
}

/** Two numbers side by side, r‖s, as DER: a sequence of two integers. Source: RFC 3279, 2.2.3 */
export function derOf(signature: Uint8Array): Bytes {
  const half = signature.length / 2;
  const numbers = [signature.subarray(0, half), signature.subarray(half)].flatMap((number) => {
    const first = number.findIndex((byte) => byte !== 0);
    const short = first < 0 ? [0] : [...number.subarray(first)];
    // An integer whose first bit is set would be negative.
    const positive = short[0] < 0x80 ? short : [0, ...short];
    return [0x02, positive.length, ...positive];
  });
  const length = numbers.length < 0x80 ? [numbers.length] : [0x81, numbers.length];
  return Uint8Array.from([0x30, ...length, ...numbers]);
}

const LINE = 64;

function pem(kind: string, bytes: ArrayBuffer): string {
  const lines = toBase64(new Uint8Array(bytes)).match(new RegExp(`.{1,${LINE}}`, 'g'))!;
  return [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`, ''].join('\n');
}

const includes = (bytes: Uint8Array, part: readonly number[]): boolean =>
  bytes.some((_, at) => part.every((byte, offset) => bytes[at + offset] === byte));

function subtle(): SubtleCrypto {
  const { crypto } = globalThis as { readonly crypto?: Partial<Crypto> };
  if (crypto?.subtle) return crypto.subtle;
  throw new DataError(
    '[flower] this page has no crypto.subtle, since it was not served securely: serve it by https, or from localhost',
  );
}
