// Labels and domains of files: from the folders they lie in, or from a table.
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { InputError } from '../signal/errors.ts';
import { systemReason } from '../signal/system-error.node.ts';

/** A name for every file; undefined where there is none. */
export type Naming = (path: string) => string | undefined;

/** Deepest folder that holds all of them. */
function commonFolder(paths: readonly string[]): string {
  const split = paths.map((path) => dirname(resolve(path)).split(sep));
  const [first] = split;
  let depth = 0;
  while (depth < first.length && split.every((parts) => parts[depth] === first[depth])) depth++;
  return first.slice(0, depth).join(sep) || sep;
}

/**
 * The folder of each file below the deepest one common to all: `IR/007/105.mat` is labelled `IR/007`.
 * @throws InputError if all files lie in one folder.
 */
export function labelsFromFolders(paths: readonly string[]): Naming {
  const root = commonFolder(paths);
  const naming: Naming = (path) =>
    relative(root, dirname(resolve(path)))
      .split(sep)
      .join('/') || undefined;
  if (paths.every((path) => naming(path) === undefined)) {
    throw new InputError(
      `labels: expected one folder per label, but all files lie in ${root}; give a table with --labels FILE`,
    );
  }
  return naming;
}

const SEPARATORS = ',;\t';

/** Those separators that a header has, which its table then keeps to; all where it has none. */
export const separatorsOf = (header: string): string =>
  [...SEPARATORS].filter((one) => header.includes(one)).join('') || SEPARATORS;

/** Cells of a line; a cell in quotes may hold separators, and quotes doubled. */
export const cellsOf = (line: string, separators = SEPARATORS): string[] => {
  const cell = `(?:^|[${separators}])(?: *"((?:[^"]|"")*)" *(?=[${separators}]|$)|([^${separators}]*))`;
  return [...line.matchAll(new RegExp(cell, 'g'))].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain.trim(),
  );
};

const HEADER = /^(file|path|name|recording)s?([ _-]?(name|path))?$/i;

/**
 * A table with two columns, file and name (comma, semicolon or tab; a header is skipped). A file is found by its path,
 * or by the end of it.
 * @throws InputError for lines without a file or a name, or if no file of `paths` is in the table.
 */
export function namesFromTable(table: string, paths: readonly string[]): Naming {
  let text: string;
  try {
    text = readFileSync(table, 'utf8');
  } catch (error) {
    throw new InputError(`labels: cannot read ${table}: ${systemReason(error)}`);
  }
  const names = new Map<string, string>();
  let first = true;
  // Spreadsheets put a byte order mark in front of a table.
  for (const [i, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() === '') continue;
    const [file, name] = cellsOf(line);
    if (!file || !name) {
      throw new InputError(`labels: ${table} line ${i + 1}: expected a file and a name, got \`${line}\``);
    }
    const isHeader = first && HEADER.test(file);
    first = false;
    if (isHeader) continue;
    names.set(resolve(file), name);
    names.set(file.replaceAll('\\', '/'), name);
  }
  const naming: Naming = (path) => {
    const known = names.get(resolve(path));
    if (known !== undefined) return known;
    const parts = path.replaceAll('\\', '/').split('/');
    for (let i = 0; i < parts.length; i++) {
      const name = names.get(parts.slice(i).join('/'));
      if (name !== undefined) return name;
    }
    return undefined;
  };
  if (paths.every((path) => naming(path) === undefined)) {
    throw new InputError(`labels: none of the ${paths.length} files is named in ${table}`);
  }
  return naming;
}
