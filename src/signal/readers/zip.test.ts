import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { readZipEntries, type ZipFile, zipEntryBytes } from './zip.ts';

const text = new TextEncoder().encode('the same words over and over, '.repeat(20));
const file = (bytes: Uint8Array): ZipFile => ({ bytes, reader: 'readTest', name: 'a.zip' });
const archive = (level: 0 | 9) => zipSync({ 'a/one': [text, { level }], two: new Uint8Array() }, { comment: 'hi' });
/** The archive with 32 bits of its central directory's first entry replaced. */
const changed = (bytes: Uint8Array, at: number, value: number) => {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (let offset = 0; offset < copy.length - 4; offset++) {
    if (view.getUint32(offset, true) !== 0x02014b50) continue;
    view.setUint32(offset + at, value, true);
    return copy;
  }
  throw new Error('no central directory');
};

describe('zip archives', () => {
  it.each([0, 9] as const)('reads entries of another writer, level %i', (level) => {
    const zip = file(archive(level));
    const entries = readZipEntries(zip);
    expect(entries.map(({ path, method, size }) => [path, method, size])).toEqual([
      ['a/one', level === 0 ? 0 : 8, text.length],
      ['two', expect.any(Number), 0],
    ]);
    expect(zipEntryBytes(zip, entries[0], true)).toEqual(text);
    expect(zipEntryBytes(zip, entries[1], true)).toHaveLength(0);
  });

  it('does not copy stored entries', () => {
    const zip = file(archive(0));
    expect(zipEntryBytes(zip, readZipEntries(zip)[0], true).buffer).toBe(zip.bytes.buffer);
  });

  it.each([
    ['zip64', changed(archive(0), 24, 0xffffffff), /expected plain zip, found zip64 at a\/one/],
    ['encryption', changed(archive(0), 8, 1), /found a\/one encrypted/],
    ['another method', changed(archive(0), 10, 12), /stored or deflated, found method 12/],
    ['a size that cannot be', changed(archive(9), 24, 0x7fffffff), /expected data for 2147483647 bytes/],
    ['a wrong size', changed(archive(9), 24, text.length + 1), /expected \d+ bytes in a\/one, found \d+/],
    ['a wrong offset', changed(archive(0), 42, 5), /expected the header of a\/one, found other data/],
    ['a wrong checksum', changed(archive(9), 16, 1), /expected CRC-32 1 of a\/one/],
    ['a cut archive', archive(9).subarray(0, 60), /the file is cut short \(a\.zip, byte 60\)/],
    ['nothing', new Uint8Array(), /the file is cut short \(a\.zip, byte 0\)/],
  ])('refuses %s', (_, bytes, message) => {
    const read = () => readZipEntries(file(bytes)).map((entry) => zipEntryBytes(file(bytes), entry, true));
    expect(read).toThrow(message);
    expect(read).toThrow(InputError);
    expect(read).toThrow(/^readTest: [^\n]*$/);
  });
});
