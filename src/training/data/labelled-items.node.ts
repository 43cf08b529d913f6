// Labelled recordings from the folders they lie in, or from a table.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { cellsOf, labelsFromFolders, separatorsOf } from '../../detection/labels.node.ts';
import { collectFiles } from '../../signal/collect-files.node.ts';
import { InputError } from '../../signal/errors.ts';
import { systemReason } from '../../signal/system-error.node.ts';
import type { LabelledItem } from './labelled-types.ts';

/**
 * The recordings in folders, each labelled by the folder it lies in, below the deepest one common to all.
 * @throws InputError for paths that lead nowhere, where all lie in one folder, and for a recording beside the folders.
 */
export function folderItems(paths: readonly string[]): LabelledItem[] {
  const files = collectFiles(paths);
  const naming = labelsFromFolders(files);
  return files.map((path) => {
    const label = naming(path);
    if (label !== undefined) return { path, label };
    throw new InputError(`folderItems: expected a folder per label, found ${path} outside of them; move or remove it`);
  });
}

type Columns = {
  file: number;
  label?: number;
  /** Of every attribute: its name and its value, as d1p and d1v. */
  attributes: { parameter?: number; value: number }[];
  domain?: number;
  machine?: number;
};

const FILE = /^(file|path|name|recording)s?([ _-]?(name|path))?$/i;

function columnsOf(header: readonly string[], table: string): Columns {
  const find = (pattern: RegExp): number | undefined => {
    const at = header.findIndex((name) => pattern.test(name));
    return at < 0 ? undefined : at;
  };
  const attributes = header.flatMap((name, value) => {
    const [, number] = /^d(\d+)v$/i.exec(name) ?? [];
    return number === undefined ? [] : [{ parameter: find(new RegExp(`^d${number}p$`, 'i')), value }];
  });
  const [file, label] = [find(FILE), find(/^(label|class)$/i)];
  if (file === undefined || (label === undefined && attributes.length === 0)) {
    throw new InputError(
      `tableItems: ${table} line 1: expected columns file and label, or file_name, d1p, d1v, …, found ${header.join(', ')}`,
    );
  }
  return { file, label, attributes, domain: find(/^domain$/i), machine: find(/^machine$/i) };
}

/** What an official name tells of a recording that is not to be learned from: it is of a test set, or anomalous. */
const NOT_FOR_TRAINING = /(^|[\\/])section_\d{2}_(.*_)?(test|anomaly)_|[\\/]test[\\/]section_/i;

function domainOf(cell: string | undefined, where: string): LabelledItem['domain'] {
  if (cell === undefined || cell === '') return undefined;
  const domain = cell.toLowerCase();
  if (domain === 'source' || domain === 'target') return domain;
  throw new InputError(`tableItems: ${where}: expected domain source or target, got ${cell}`);
}

/** `spd_28V_mic_1`: names and values of the attributes that a row has. */
const attributeLabel = (cells: readonly string[], { attributes }: Columns): string =>
  attributes
    .flatMap(({ parameter, value }) =>
      cells[value] ? [parameter === undefined ? '' : cells[parameter], cells[value]] : [],
    )
    .filter((part) => part !== '')
    .join('_');

/** Beside the table, or (the official tables lie in the folder of a machine, which their rows name again) beside that. */
function located(file: string, table: string): string {
  const path = file.replaceAll('\\', '/');
  if (isAbsolute(path)) return path;
  const [beside, above] = [join(dirname(table), path), join(dirname(table), '..', path)];
  return !existsSync(beside) && existsSync(above) ? above : beside;
}

/**
 * The recordings that a table names (comma, semicolon or tab, as in its header), each with its label: from the column
 * `label`, or of all attributes d1p, d1v, d2p, d2v, … as in the attribute tables of DCASE Task 2, whose test clips are
 * left out. Columns `machine` (the group, which then begins the label made of attributes) and `domain` are taken where they
 * are. Files are relative to the table.
 * @throws InputError for a table that cannot be read or lacks columns, and rows without a file or a label.
 */
export function tableItems(table: string): LabelledItem[] {
  let text: string;
  try {
    text = readFileSync(table, 'utf8');
  } catch (error) {
    throw new InputError(`tableItems: cannot read ${table}: ${systemReason(error)}`);
  }
  // Spreadsheets put a byte order mark in front of a table.
  const [header, ...rows] = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((content, i) => ({ line: i + 1, content }))
    .filter(({ content }) => content.trim() !== '');
  // So that a label may be `hum;rattle` in a table with commas.
  const separators = separatorsOf(header?.content ?? '');
  const columns = columnsOf(cellsOf(header?.content ?? '', separators), table);
  const cell = (cells: readonly string[], at: number | undefined) => (at === undefined ? undefined : cells[at]);
  const items = rows.flatMap(({ line, content }): LabelledItem[] => {
    const where = `${table} line ${line}`;
    const cells = cellsOf(content, separators);
    const file = cells[columns.file];
    const group = cell(cells, columns.machine) || undefined;
    if (columns.label === undefined && NOT_FOR_TRAINING.test(file ?? '')) return [];
    const attributes = attributeLabel(cells, columns);
    const label =
      columns.label === undefined ? [group, attributes].filter(Boolean).join('_') : (cells[columns.label] ?? '');
    if (!file || label === '') {
      throw new InputError(`tableItems: ${where}: expected a file and a label, got \`${content}\``);
    }
    const domain = domainOf(cell(cells, columns.domain), where);
    return [{ path: located(file, table), label, ...(group && { group }), ...(domain && { domain }) }];
  });
  if (items.length === 0) throw new InputError(`tableItems: expected recordings to learn from in ${table}, found none`);
  return items;
}
