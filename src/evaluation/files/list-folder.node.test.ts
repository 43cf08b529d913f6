import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { writeFiles } from './files.test-util.ts';
import { listFolder } from './list-folder.node.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-list-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string, files: readonly string[]): string {
  writeFiles(
    join(root, name),
    files.map((file) => [file, file]),
  );
  return join(root, name);
}

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
