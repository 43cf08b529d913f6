import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from './errors.ts';
import { readRecordingFile } from './read-file.node.ts';
import { writeWav } from './readers/wav-write.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-read-'));
afterAll(() => rmSync(folder, { recursive: true }));
const fileOf = (name: string, contents: Uint8Array | string): string => {
  writeFileSync(join(folder, name), contents);
  return join(folder, name);
};

describe('readRecordingFile', () => {
  it('names the recording by the path as given', async () => {
    const path = fileOf('a.wav', writeWav({ channels: [Float32Array.of(0, 0.5)], sampleRate: 8000, name: '' }));
    expect(await readRecordingFile(path)).toEqual([
      { channels: [Float32Array.of(0, 0.5)], sampleRate: 8000, name: path },
    ]);
  });

  it('passes options on', async () => {
    const [recording] = await readRecordingFile(fileOf('a.csv', '1,2\n3,5\n'), { sampleRate: 10, variable: '2' });
    expect([...recording.channels[0]]).toEqual([2, 5]);
  });

  it.each([
    ['a missing file', () => join(folder, 'none.wav'), /a readable file, found no such file \(.*none\.wav\)/],
    ['a file in a file', () => join(fileOf('b.wav', 'x'), 'c.wav'), /no such file/],
    ['a directory', () => folder, /a file, found a directory/],
    ['an empty file', () => fileOf('empty.wav', ''), /found an empty file \(.*empty\.wav\)/],
    ['text named .wav', () => fileOf('text.wav', 'hello there'), /got the text "hello there" \(.*text\.wav, line 1\)/],
    ['a pipe, without waiting for it', () => pipe(), /a file, found a device or pipe/],
    ['a file beyond memory', () => sparse(2 ** 43), /fits into memory, found 8796093022208 bytes/],
  ])('refuses %s', async (_, make, message) => {
    const read = readRecordingFile(make());
    await expect(read).rejects.toThrow(InputError);
    await expect(read).rejects.toThrow(message);
    await expect(read).rejects.toThrow(/^readRec.*|^readCsv.*/);
  });
});

function pipe(): string {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  return path;
}

/** A file of that size that takes no room. */
function sparse(size: number): string {
  const path = fileOf('large.wav', 'x');
  truncateSync(path, size);
  return path;
}
