import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeFiles } from '../files/files.test-util.ts';
import type { Folder } from '../files/folder.ts';
import { esc50 } from './esc50.ts';
import { locate } from './find.node.ts';
import { fsdd } from './fsdd.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-find-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string, files: readonly string[]): string {
  writeFiles(
    join(root, name),
    files.map((file) => [file, file]),
  );
  return join(root, name);
}

const digits = (count: number) => Array.from({ length: count }, (_, take) => `0_theo_${take}.wav`);

describe('locate', () => {
  it('takes the folder itself, or one up to two levels below, by its name', () => {
    const data = folder(
      'data',
      digits(3).map((name) => `speech/fsdd/recordings/${name}`),
    );
    expect(locate(data, fsdd)?.root).toBe(join(data, 'speech', 'fsdd'));
    expect(locate(join(data, 'speech', 'fsdd'), fsdd)?.root).toBe(join(data, 'speech', 'fsdd'));
    expect(locate(data, fsdd)?.scan.samples.map(({ path }) => path)).toEqual(
      digits(3).map((name) => `recordings/${name}`),
    );
    expect(locate(data, esc50)).toBeUndefined();
    const deep = folder('deep', [`a/b/fsdd/${digits(1)[0]}`]);
    // Three levels down the name is not seen, but the samples are.
    expect(locate(deep, fsdd)?.root).toBe(deep);
  });

  it('takes the folder with most samples of several, and none without any', () => {
    const data = folder('several', [
      ...digits(1).map((name) => `fsdd/${name}`),
      ...digits(4).map((name) => `old/free-spoken-digit-dataset-master/recordings/${name}`),
      'fsdd-papers/paper.pdf',
    ]);
    expect(locate(data, fsdd)?.root).toBe(join(data, 'old', 'free-spoken-digit-dataset-master'));
    expect(locate(folder('none', ['fsdd/paper.pdf']), fsdd)).toBeUndefined();
  });

  it('finds samples without the name, and reads text relative to the folder', () => {
    const named = folder('named', ['esc50/audio/1-7-A-0.wav', 'esc50/meta/esc50.csv']);
    const located = locate(named, esc50);
    expect(located?.folder.readText('meta/esc50.csv')).toBe('esc50/meta/esc50.csv');
    const bare = folder('bare', digits(2));
    expect(locate(bare, fsdd)).toMatchObject({ root: bare, scan: { problems: { length: 9 } } });
  });

  it('lists each folder once for all calls with one cache', () => {
    const data = folder('cached', [`fsdd/${digits(1)[0]}`]);
    const cache = new Map<string, Folder>();
    expect(locate(data, fsdd, cache)?.scan.samples).toHaveLength(1);
    folder('cached', [`fsdd/${digits(2)[1]}`]);
    expect(locate(data, fsdd, cache)?.scan.samples).toHaveLength(1);
    expect(locate(data, fsdd)?.scan.samples).toHaveLength(2);
  });
});
