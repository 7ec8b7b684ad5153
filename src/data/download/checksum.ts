/** Whether this place can check what it loads. */
export const hasSums = (): boolean => (globalThis.crypto as Crypto | undefined)?.subtle !== undefined;

/** SHA-256 in hexadecimal. A page over plain http lacks crypto.subtle: ask `hasSums` first. */
export async function sumOf(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
