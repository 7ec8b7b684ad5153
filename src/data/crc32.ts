/** Source: RFC 1952, 8 */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  return sum;
});

/** The sum by which gzip, zip and PNG tell damaged bytes. */
export function crc32(data: Uint8Array): number {
  let sum = -1;
  for (let at = 0; at < data.length; at++) sum = CRC_TABLE[(sum ^ data[at]) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}
