// MATLAB level 5 files as recordings.
import { InputError } from '../errors.ts';
import type { ReadOptions, Recording } from '../recording.ts';
import { type ArrayFile, chooseRecordings, type Place, pathName } from './choose-array.ts';
import { isMat5, type MatNumeric, type MatVariable, readMatVariables } from './mat-variables.ts';
import type { Reader } from './types.ts';

/**
 * The recordings in a MATLAB level 5 file. Which variable is the signal and what its rate is: see `chooseRecordings`.
 * A cell is named `signals{2}` (from 1, column by column), a struct's field `bearing.gs`, that of a struct array `runs(2).gs`;
 * where the elements carry a field `Name`, also by that: `run.Y.force.Data` for `run.Y(1).Data`.
 * @throws InputError for damaged, sparse, complex or version 4 data, and when the signal or its rate is not clear.
 */
export const readMat = (bytes: Uint8Array, options: ReadOptions = {}): Recording[] => {
  const name = options.name ?? 'MATLAB file';
  if (!isMat5(bytes) && isMat4(bytes)) {
    throw new InputError(
      `readMat: expected a MATLAB 5 or 7 file, found version 4 (${name}, byte 0); save it again with save -v7`,
    );
  }
  const file = emptyFile(name);
  for (const [key, variable] of readMatVariables(bytes, name, options)) collect(file, { path: [key] }, variable);
  return chooseRecordings(file, options);
};

export const matReader: Reader = { format: 'mat', detect: (head) => isMat5(head) || isMat4(head), read: readMat };

const emptyFile = (name: string): ArrayFile => ({
  reader: 'readMat',
  name,
  separator: '.',
  arrays: [],
  scalars: [],
  others: [],
  bareRate: false,
});

const collect = (file: ArrayFile, place: Place, variable: MatVariable): void => {
  if (variable.kind === 'numeric') collectNumeric(file, place, variable);
  if (variable.kind === 'char') file.others.push({ ...place, what: 'a char array' });
  if (variable.kind === 'sparse') collectRefused(file, place, variable.shape, 'a sparse matrix');
  if (variable.kind === 'other') file.others.push({ ...place, what: `${variable.what}, which is not supported` });
  if (variable.kind === 'cell') {
    for (const [i, cell] of variable.cells.entries()) collect(file, below(place, `{${i + 1}}`), cell);
  }
  if (variable.kind === 'struct') {
    for (const [i, fields] of variable.elements.entries()) {
      const element = variable.elements.length === 1 ? place : below(place, `(${i + 1})`, ownName(fields));
      for (const [field, value] of fields) collect(file, below(element, field), value);
    }
  }
};

/** One step further down; `name` is what the step calls itself, where it does. */
const below = ({ path, alias }: Place, step: string, name?: string): Place => ({
  path: [...path, step],
  ...(alias !== undefined || name !== undefined ? { alias: [...(alias ?? path), name ?? step] } : {}),
});

/** The name an element of a struct array carries among its fields, as channels of recorders do. */
const ownName = (fields: Map<string, MatVariable>): string | undefined => {
  const name = fields.get('Name') ?? fields.get('name');
  return name?.kind === 'char' && name.text.trim() !== '' ? name.text.trim() : undefined;
};

const collectNumeric = (file: ArrayFile, place: Place, variable: MatNumeric): void => {
  if (variable.complex) collectRefused(file, place, variable.shape, 'complex numbers');
  else if (variable.data.length === 1) file.scalars.push({ ...place, value: Number(variable.data[0]) });
  else {
    const { shape, data, logical } = variable;
    file.arrays.push({ ...place, shape, columnMajor: true, onlyIfNamed: logical, load: () => data });
  }
};

/** An array that stands for election like any other, so that nothing else is taken in its stead, and fails when taken. */
const collectRefused = (file: ArrayFile, place: Place, shape: number[], what: string): void => {
  const load = () => {
    throw new InputError(
      `readMat: expected real numbers in a full array at ${pathName(place.path, '.')}, found ${what} (${file.name}); save it as full and real, or name another with --variable`,
    );
  };
  file.arrays.push({ ...place, shape, columnMajor: true, load });
};

/**
 * Whether the file begins with a matrix header of level 4: five 32-bit numbers (type MOPT, rows, columns, imaginary
 * flag, length of the name) and a name, in either byte order.
 */
const isMat4 = (head: Uint8Array): boolean => {
  if (head.length < 22) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return [true, false].some((littleEndian) => {
    const [type, rows, columns, imaginary, nameLength] = [0, 4, 8, 12, 16].map((at) => view.getInt32(at, littleEndian));
    const machine = type >= 0 && type < 5000 && Math.floor(type / 1000) === (littleEndian ? 0 : 1);
    const kind = type % 10 <= 2 && Math.floor(type / 10) % 10 <= 5 && Math.floor(type / 100) % 10 === 0;
    const sizes = rows >= 0 && columns >= 0 && (imaginary === 0 || imaginary === 1) && nameLength >= 2;
    if (!machine || !kind || !sizes || nameLength > 64 || 20 + nameLength > head.length) return false;
    const letters = head.subarray(20, 20 + nameLength - 1);
    return head[20 + nameLength - 1] === 0 && /^[A-Za-z]\w*$/.test(String.fromCharCode(...letters));
  });
};
