import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readLargeFile } from './read-large-file.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([1, 7, 99, 100, 101, undefined])('reads all bytes, %s at a time', (atOnce) => {
  const expected = Uint8Array.from({ length: 100 }, (_, i) => (i * 37) % 251);
  writeFileSync(join(folder, 'file'), expected);
  expect(Uint8Array.from(readLargeFile(join(folder, 'file'), atOnce))).toEqual(expected);
});

it('says what the system says of files that are none', () => {
  expect(() => readLargeFile(join(folder, 'missing'))).toThrow(/ENOENT/);
  expect(() => readLargeFile(folder)).toThrow(/EISDIR/);
});
