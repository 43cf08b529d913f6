import { relative, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { createWavFolder } from '../signal/wav-folder.test-util.ts';
import { labelsFromFolders, namesFromTable } from './labels.node.ts';

const folder = createWavFolder();
afterAll(() => folder.remove());

describe('labelsFromFolders', () => {
  it('names the folder below the deepest one common to all', () => {
    const paths = ['/data/rig/normal/1.mat', '/data/rig/IR/007/105.mat', '/data/rig/IR/014/169.mat'];
    expect(paths.map(labelsFromFolders(paths))).toEqual(['normal', 'IR/007', 'IR/014']);
    const one = ['/data/rig/IR/007/105.mat', '/data/rig/IR/014/169.mat'];
    expect(one.map(labelsFromFolders(one))).toEqual(['007', '014']);
  });

  it('has no name for files in the common folder itself', () => {
    const paths = ['/data/a.wav', '/data/worn/b.wav'];
    expect(paths.map(labelsFromFolders(paths))).toEqual([undefined, 'worn']);
  });

  it('understands relative paths, and folders that begin alike', () => {
    const paths = ['rig/wear/a.wav', './rig/wear 2/b.wav', resolve('rig/x/../wear/c.wav')];
    expect(paths.map(labelsFromFolders(paths))).toEqual(['wear', 'wear 2', 'wear']);
    expect(['/a/x.wav', '/b/y.wav'].map(labelsFromFolders(['/a/x.wav', '/b/y.wav']))).toEqual(['a', 'b']);
  });

  it('gives what was put between root and file', () => {
    const part = fc.constantFrom('a', 'b', 'IR', 'x y', 'ä');
    const label = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 6 }), (labels) => {
        const paths = ['/root/first/0.wav', '/root/second/1.wav', ...labels.map((one, i) => `/root/${one}/${i}.wav`)];
        expect(paths.map(labelsFromFolders(paths))).toEqual(['first', 'second', ...labels]);
      }),
    );
  });

  it.each([[['/data/a.wav', '/data/b.wav']], [['/data/a.wav']]])('refuses one folder: %o', (paths) => {
    expect(() => labelsFromFolders(paths)).toThrow(InputError);
    expect(() => labelsFromFolders(paths)).toThrow(
      'labels: expected one folder per label, but all files lie in /data; give a table with --labels FILE',
    );
  });
});

describe('namesFromTable', () => {
  const names = (table: string, ...paths: string[]) =>
    paths.map(namesFromTable(folder.write('table.csv', table), paths));

  it.each([
    ['commas', 'a.wav,worn\nb.wav,normal\n'],
    ['semicolons', 'a.wav;worn\nb.wav;normal'],
    ['tabs', 'a.wav\tworn\nb.wav\tnormal'],
    ['a header', 'file,label\na.wav,worn\nb.wav,normal'],
    ['another header', 'File Name;fault\na.wav;worn\nb.wav;normal'],
    ['lines of Windows, and empty ones', '\r\nfilename,label\r\na.wav,worn\r\n\r\nb.wav,normal\r\n'],
    ['quotes', '"file","label"\n"a.wav","worn"\n"b.wav",normal\n'],
    ['blanks', ' a.wav , worn \n "b.wav" , "normal" \n'],
    ['a byte order mark', '\uFEFF"a.wav",worn\nb.wav,normal'],
    ['more columns', 'a.wav,worn,2024,"x, y"\nb.wav,normal,,'],
    ['folders of another machine', 'C:\\data\\b.wav,other\nrig/a.wav,worn\nrig/b.wav,normal'],
  ])('reads a table with %s', (_, table) => {
    expect(names(table, '/somewhere/rig/a.wav', 'rig/b.wav')).toEqual(['worn', 'normal']);
  });

  it('reads quoted cells that hold separators and quotes', () => {
    const table = '"run 1, cold.wav","worn; ""badly"""\nplain.wav,normal\n';
    expect(names(table, '/x/run 1, cold.wav', '/x/plain.wav')).toEqual(['worn; "badly"', 'normal']);
  });

  it('takes no file for a header', () => {
    const table = 'file1.wav,worn\npath_2.wav,normal';
    expect(names(table, 'x/file1.wav', 'x/path_2.wav')).toEqual(['worn', 'normal']);
  });

  it('finds a file by the longest end of its path that is named, and only by whole folders', () => {
    const table = 'a.wav,any\nx/a.wav,of x\n/abs/x/a.wav,absolute\n';
    const paths = ['/y/a.wav', '/y/x/a.wav', '/abs/x/a.wav', 'a.wav', '/y/xa.wav', '/z/b.wav'];
    expect(names(table, ...paths)).toEqual(['any', 'of x', 'absolute', 'any', undefined, undefined]);
    const beside = relative(process.cwd(), folder.path('here.wav'));
    expect(names(`${beside},relative`, folder.path('here.wav'))).toEqual(['relative']);
  });

  it.each([
    ['a line without a name', 'a.wav,worn\nb.wav\n', /table\.csv line 2: expected a file and a name, got `b\.wav`/],
    ['an empty name', 'a.wav,worn\nb.wav,\n', /table\.csv line 2: expected a file and a name, got `b\.wav,`/],
    ['an empty file', ',worn\n', /line 1: expected a file and a name, got `,worn`/],
    ['other files', 'c.wav,worn\n', /none of the 2 files is named in .*table\.csv/],
    ['nothing', '', /none of the 2 files is named/],
  ])('refuses %s', (_, table, message) => {
    expect(() => names(table, 'a.wav', 'b.wav')).toThrow(message);
    expect(() => names(table, 'a.wav', 'b.wav')).toThrow(InputError);
  });

  it('says which table cannot be read', () => {
    const missing = folder.path('missing.csv');
    expect(() => namesFromTable(missing, ['a.wav'])).toThrow(`labels: cannot read ${missing}: there is no such file`);
    expect(() => namesFromTable(folder.path('.'), ['a.wav'])).toThrow(InputError);
  });
});
