import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { esc50 } from './esc50.ts';
import { listFolder, locate } from './find.node.ts';
import { fsdd } from './fsdd.ts';
import type { Folder } from './types.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-find-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string, files: readonly string[]): string {
  for (const file of files) {
    mkdirSync(dirname(join(root, name, file)), { recursive: true });
    writeFileSync(join(root, name, file), file);
  }
  return join(root, name);
}

const digits = (count: number) => Array.from({ length: count }, (_, take) => `0_theo_${take}.wav`);

describe('listFolder', () => {
  it('lists files by code unit, without dot files, with forward slashes', () => {
    const files = ['b/a.wav', 'b.wav', 'B.wav', 'b/ä.wav', 'b-c/x', '.hidden/a.wav', 'b/.DS_Store', '10.wav', '9.wav'];
    const found = listFolder(folder('plain', files));
    expect(found.files).toEqual(['10.wav', '9.wav', 'B.wav', 'b-c/x', 'b.wav', 'b/a.wav', 'b/ä.wav']);
    expect(found.readText('b/ä.wav')).toBe('b/ä.wav');
    expect(() => found.readText('c')).toThrow(InputError);
    expect(() => found.readText('c')).toThrow(
      /^readText: expected a readable text file, found that there is no such file/,
    );
  });

  it.skipIf(process.platform === 'win32')('follows links, once, under the name that is no link', () => {
    const path = folder('links', ['real/a.wav', 'real/b/c.wav']);
    folder('elsewhere', ['d.wav']);
    symlinkSync('real', join(path, 'also'));
    symlinkSync('..', join(path, 'real', 'up'));
    symlinkSync('../elsewhere', join(path, 'far'));
    symlinkSync('round', join(path, 'round'));
    symlinkSync('nowhere', join(path, 'lost.wav'));
    symlinkSync('real/a.wav', join(path, 'one.wav'));
    expect(listFolder(path).files).toEqual(['far/d.wav', 'lost.wav', 'one.wav', 'real/a.wav', 'real/b/c.wav', 'round']);
  });

  it('says why a folder cannot be searched', () => {
    expect(() => listFolder(join(root, 'absent'))).toThrow(InputError);
    expect(() => listFolder(join(root, 'absent'))).toThrow(/^listFolder: expected a folder .*no such file.*absent/);
    expect(() => listFolder(join(folder('a file', ['x']), 'x'))).toThrow(InputError);
  });
});

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
