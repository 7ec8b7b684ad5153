import { describe, expect, test } from 'vitest';
import { FormatError } from '../../src/core/errors.ts';
import { readTar } from '../../src/data/tar.ts';
import { tarOf } from '../support/cifar10.ts';

const read = (bytes: Uint8Array) => readTar('cifar10', 'a.tar', bytes);

/** An archive whose first entry gives its size as a text, with the sum that it then has. */
function sized(size: string, content = 'abc'): Buffer {
  const archive = Buffer.from(tarOf({ a: Buffer.from(content) }));
  archive.fill(0, 124, 136).write(size, 124, 'latin1');
  archive.write(' '.repeat(8), 148);
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return archive;
}

describe('tar', () => {
  test.each(['0000000003\0 ', '3', '   3', '3 \0'])('gives a size as "%s"', (size) => {
    expect([...read(sized(size))].map(([name, bytes]) => [name, String(bytes)])).toEqual([['a', 'abc']]);
  });

  test('has empty files', () => {
    expect(read(sized('', '')).get('a')).toHaveLength(0);
    expect(read(sized('0', '')).get('a')).toHaveLength(0);
  });

  // Minus 512 would lead back to the header itself, for ever.
  test.each(['-1000', '-1', '8', '3x', '1e2', '0x3', '\x80\0\0\0\0\0\0\0\0\0\0\x03'])('has no size "%s"', (size) => {
    expect(() => read(sized(size))).toThrow(
      new FormatError(
        '[cifar10] a.tar is no tar archive, or damaged: the header at byte 0 has a wrong sum or size; get the file again',
      ),
    );
  });

  test('has no more than is there', () => {
    expect(() => read(sized('77777777777'))).toThrow('ends inside a, of which it holds 1536 of 8589934591 bytes');
  });
});
