import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectFiles } from './collect-files.node.ts';
import { InputError } from './errors.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-collect-'));
const at = (name: string) => join(root, name);

beforeAll(() => {
  for (const name of [
    'run/b.wav',
    'run/a.FLAC',
    'run/10.mat',
    'run/sub/z.csv',
    'run/sub/c.tdms',
    'run/notes.txt',
    'run/.hidden.wav',
    'run/.git/x.wav',
    'run/wav',
    'other/d.wav',
    'texts/readme.md',
  ]) {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), '');
  }
  mkdirSync(at('empty'));
  mkdirSync(at('links'));
  symlinkSync(at('run/sub'), at('links/to-folder'));
  symlinkSync(at('other/d.wav'), at('links/e.wav'));
  symlinkSync(at('links'), at('links/above'));
  symlinkSync(at('nowhere.wav'), at('links/broken.wav'));
  symlinkSync(at('links/ring.wav'), at('links/ring.wav'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const collect = (...names: string[]) => collectFiles(names.map(at)).map((path) => relative(root, path));

describe('collectFiles', () => {
  it('searches folders through in order of names, for recordings only', () => {
    expect(collect('run')).toEqual(['run/10.mat', 'run/a.FLAC', 'run/b.wav', 'run/sub/c.tdms', 'run/sub/z.csv']);
  });

  it('keeps the order given, and takes a file that is named whatever it is called', () => {
    expect(collect('other', 'run/notes.txt', 'run/sub')).toEqual([
      'other/d.wav',
      'run/notes.txt',
      'run/sub/c.tdms',
      'run/sub/z.csv',
    ]);
    expect(collect('run/.hidden.wav')).toEqual(['run/.hidden.wav']);
  });

  it('takes a file once', () => {
    expect(collect('run/sub/z.csv', 'run/sub', 'run/../run/sub/c.tdms')).toEqual(['run/sub/z.csv', 'run/sub/c.tdms']);
  });

  it('follows links, and comes to an end where they lead back', () => {
    expect(collect('links')).toEqual([
      'links/broken.wav',
      'links/e.wav',
      'links/ring.wav',
      'links/to-folder/c.tdms',
      'links/to-folder/z.csv',
    ]);
  });

  it.each([
    ['a path that is not there', ['run', 'missing'], /missing: no such file or folder$/],
    ['a link to nothing', ['links/broken.wav'], /broken\.wav: no such file or folder$/],
    ['an empty folder', ['empty'], /empty: no recordings in this folder; Thrum looks for \.wav /],
    ['a folder of other files', ['run', 'texts'], /texts: no recordings in this folder/],
    ['nothing', [], /^expected at least one file or folder$/],
  ])('refuses %s', (_, names, message) => {
    expect(() => collect(...names)).toThrow(message);
    expect(() => collect(...names)).toThrow(InputError);
  });
});
