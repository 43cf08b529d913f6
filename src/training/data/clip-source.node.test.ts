import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Zippable, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { createWavFolder, type WavFolder } from '../../signal/wav-folder.test-util.ts';
import { writeTar } from './archive.test-util.ts';
import { createItemReader, type ListedSource, openSource, type SourceItem } from './clip-source.node.ts';

let folder: WavFolder;
beforeAll(() => {
  folder = createWavFolder();
});
afterAll(() => folder.remove());

/** A WAV of 16 samples that all are `value`, the first one excepted. */
const wav = (value: number): Uint8Array =>
  writeWav(
    { channels: [Float32Array.from({ length: 16 }, (_, i) => (i === 0 ? 0 : value))], sampleRate: 8000, name: '' },
    { bits: 'float32' },
  );

const itemsOf = (listed: ListedSource): SourceItem[] => listed.items ?? [];
const namesOf = (listed: ListedSource, root: string) => itemsOf(listed).map(({ name }) => name.slice(root.length + 1));

/** What distinguishes the recordings of all items. */
async function valuesOf(listed: ListedSource): Promise<number[]> {
  const read = createItemReader();
  const all = await Promise.all(itemsOf(listed).map((item) => read(item)));
  return all.map(([{ channels }]) => channels[0][1]);
}

describe('openSource', () => {
  it('lists a folder in order of names, and only what matches', async () => {
    const root = folder.path('plain');
    for (const [i, name] of ['b.wav', 'a/normal_2.wav', 'a/normal_1.wav', 'notes.txt'].entries()) {
      folder.write(`plain/${name}`, wav((i + 1) / 8));
    }
    const open = async (include?: string) =>
      (await openSource({ kind: 'files', path: root, weight: 2, include })).listed;
    const all = await open();
    expect(namesOf(all, root)).toEqual(['a/normal_1.wav', 'a/normal_2.wav', 'b.wav']);
    expect(await valuesOf(all)).toEqual([3 / 8, 2 / 8, 1 / 8]);
    expect(all.weight).toBe(2);
    // The folder's name plays no part: all of them lie in one that is called plain.
    expect(namesOf(await open('^normal'), root)).toEqual(['a/normal_1.wav', 'a/normal_2.wav']);
    await expect(open('plain')).rejects.toThrow(
      `openClipStream: expected recordings whose name matches plain, found none of 3 (${root})`,
    );
    await expect(open('(')).rejects.toThrow(InputError);
  });

  it('lists the recordings in a zip archive, packed or stored, and reads them', async () => {
    const files: Zippable = {
      'x/2.wav': wav(0.5),
      'x/1.wav': [wav(0.25), { level: 0 }],
      'README.md': wav(0),
      'x/._2.wav': wav(0),
    };
    const path = folder.write('some.zip', zipSync(files));
    const { listed } = await openSource({ kind: 'files', path, weight: 1 });
    expect(namesOf(listed, path)).toEqual(['x/2.wav', 'x/1.wav']);
    expect(await valuesOf(listed)).toEqual([0.5, 0.25]);
  });

  const long = `${'deep/'.repeat(30)}4.wav`;
  const tar = writeTar([
    { path: 'x/', content: new Uint8Array(0), type: '5' },
    { path: 'x/1.wav', content: wav(0.25) },
    { path: 'README', content: new Uint8Array(700) },
    { path: '2.wav', content: wav(0.5), prefix: 'before/it' },
    { path: '././@LongLink', content: new TextEncoder().encode(`${long}\0`), type: 'L' },
    { path: long.slice(0, 99), content: wav(0.75) },
    { path: 'PaxHeader', content: new TextEncoder().encode('20 path=größe.wav\n'), type: 'x' },
    { path: 'size.wav', content: wav(1) },
  ]);
  const tarNames = ['x/1.wav', 'before/it/2.wav', long, 'größe.wav'];

  it('lists the recordings in a tar archive, with long names of both kinds', async () => {
    const path = folder.write('some.tar', tar);
    const { listed } = await openSource({ kind: 'files', path, weight: 1 });
    expect(namesOf(listed, path)).toEqual(tarNames);
    expect(await valuesOf(listed)).toEqual([0.25, 0.5, 0.75, 1]);
  });

  it('unpacks a compressed tar archive once, and deletes that at the end', async () => {
    for (const name of ['some.tar.gz', 'some.tgz']) {
      const path = folder.write(name, gzipSync(tar));
      const { listed, close } = await openSource({ kind: 'files', path, weight: 1 });
      expect(namesOf(listed, path)).toEqual(tarNames);
      expect(await valuesOf(listed)).toEqual([0.25, 0.5, 0.75, 1]);
      const unpacked = dirname(itemsOf(listed)[0].file);
      expect(readdirSync(unpacked)).toHaveLength(1);
      await close();
      expect(existsSync(unpacked)).toBe(false);
    }
  });

  it('refuses archives that are damaged, empty or missing', async () => {
    const open = (path: string) => openSource({ kind: 'files', path, weight: 1 });
    const broken = tar.slice();
    broken[3]++;
    await expect(open(folder.write('broken.tar', broken))).rejects.toThrow(
      /^openClipStream: expected the header of a file, found other data .*broken\.tar, byte 0\)/,
    );
    await expect(open(folder.write('short.tar', tar.subarray(0, 1100)))).rejects.toThrow(
      /bytes of x\/1\.wav, found 76/,
    );
    await expect(open(folder.write('short.tar.gz', gzipSync(tar).subarray(0, 200)))).rejects.toThrow(InputError);
    await expect(open(folder.write('short.zip', zipSync({ 'a.wav': wav(1) }).subarray(0, 60)))).rejects.toThrow(
      InputError,
    );
    const none = folder.write('none.tar', writeTar([{ path: 'README', content: wav(1) }]));
    await expect(open(none)).rejects.toThrow(`openClipStream: expected recordings, found none of 0 (${none})`);
    await expect(open(folder.path('gone.zip'))).rejects.toThrow(/gone\.zip: there is no such file or folder$/);
    await expect(open(folder.path('gone'))).rejects.toThrow(InputError);
  });

  it('knows nothing to list of the simulator, but wants something to draw from', async () => {
    const simulator = { kind: 'simulator', weight: 1, sampleRates: [8000] } as const;
    expect((await openSource(simulator)).listed).toEqual({ ...simulator, items: null });
    await expect(openSource({ ...simulator, machines: [] })).rejects.toThrow(
      'openClipStream: expected machines to draw from, got none',
    );
  });
});

describe('createItemReader', () => {
  it('keeps the items that were used last, within its limit', async () => {
    const items = [1, 2, 3].map((i): SourceItem => {
      const file = folder.write(`kept/${i}.wav`, wav(i / 4));
      return { name: file, file };
    });
    const read = createItemReader(40);
    const [first, second] = [await read(items[0]), await read(items[1])];
    expect(await read(items[0])).toBe(first);
    // 48 samples are too many: the second was not used for longest.
    await read(items[2]);
    expect(await read(items[0])).toBe(first);
    expect(await read(items[1])).not.toBe(second);
    expect(await read(items[1])).toEqual(second);
  });

  it('takes the rate of the source for files without one, and does not mind it elsewhere', async () => {
    const [text, carries] = [folder.write('rates/a.csv', '1\n2\n3\n'), folder.write('rates/b.wav', wav(0.5))];
    const read = createItemReader();
    expect((await read({ name: text, file: text }, 123))[0].sampleRate).toBe(123);
    expect((await read({ name: carries, file: carries }, 123))[0].sampleRate).toBe(8000);
    await expect(read({ name: text, file: text })).rejects.toThrow(InputError);
  });

  it('remembers what is bad', async () => {
    const file = folder.write('bad/a.wav', 'RIFF');
    const read = createItemReader();
    const failure = await read({ name: file, file }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InputError);
    folder.write('bad/a.wav', wav(1));
    await expect(read({ name: file, file })).rejects.toBe(failure);
  });
});

it('leaves recordings out that repeat others, and says how many', async () => {
  const random = createRandom('repeated');
  const hums = [5, 11, 23].map((every) =>
    Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i / every) + random.gaussian(0, 0.1)),
  );
  for (const [i, samples] of [hums[0], hums[1], hums[0], hums[2]].entries()) {
    const recording = { channels: [samples], sampleRate: 8000, name: 'hum' };
    folder.write(`repeated/${i}.wav`, writeWav(recording));
  }
  const path = folder.path('repeated');
  const source = { kind: 'files', path, weight: 1 } as const;
  const { listed, remark } = await openSource({ ...source, unique: 0.9999 });
  expect(listed.items?.map(({ name }) => basename(name))).toEqual(['0.wav', '1.wav', '3.wav']);
  expect(remark).toBe(`${path}: 1 of 4 recordings repeat others and are left out`);
  const all = await openSource(source);
  expect([all.listed.items?.length, all.remark]).toEqual([4, undefined]);
});
