// Which array of a file is the signal, and at what rate: the one rule set behind MATLAB, HDF5 and NumPy files.
import { InputError } from '../errors.ts';
import type { ReadOptions, Recording } from '../recording.ts';
import { elementCount, type NumericArray } from '../typed-view.ts';
import { recordingsOf } from './array-recordings.ts';
import { checkSamples } from './too-long.ts';

/**
 * Where something lies in a file. `path` is the way to it, one name a step; steps like `{1}` and `(2)` are indices.
 * `alias` is the same way where elements of struct arrays say their own names: `Y.force.Data` for `Y(1).Data`.
 */
export type Place = { path: string[]; alias?: string[] };

/** A numeric array in a file. */
export type NamedArray = Place & {
  shape: number[];
  /** First index fastest (MATLAB, Fortran), else last index fastest. */
  columnMajor: boolean;
  /** Never the signal unless the user names it (logical arrays). */
  onlyIfNamed?: boolean;
  /** Decodes the numbers; only called for the arrays that are taken. Throws InputError for kinds that are not supported. */
  load(): NumericArray;
};

/** A file's arrays, and what else it holds, as the choice sees them. */
export type ArrayFile = {
  /** The public function, which error messages start with. */
  reader: string;
  name: string;
  separator: '.' | '/';
  arrays: NamedArray[];
  /** Single numbers; a rate is looked for among them. */
  scalars: (Place & { value: number })[];
  /** Everything that cannot be a signal, and what it is: `a char array`, `a sparse matrix`. */
  others: (Place & { what: string })[];
  /** Whether a number called just `rate` is the sampling rate. In MATLAB files it is not: MFPT's is the shaft's. */
  bareRate: boolean;
};

const RATE_NAME = /^(sr|fs|(sample|sampling|samp)(rate|freq|frequency))(hz)?$/;
const AXIS_NAME = /^(t|time|times|timestamps?|i|n|idx|index|records?)$/i;
const CWRU_NAME = /^X\d+_(DE|FE|BA)_time$/;
/** Matrices of one container count as records of one run when none is shorter than this share of the longest. */
const RECORD_LENGTH_SHARE = 0.9;

/** `bearing.gs`, `signals{1}`, `group/signal`: the spelling `--variable` takes. */
export const pathName = (path: string[], separator: '.' | '/'): string =>
  path.reduce((name, step) => name + (name === '' || /^[({]\d+[)}]$/.test(step) ? '' : separator) + step, '');

/**
 * The recordings of a file of named arrays.
 *
 * The array is the one `options.variable` names; a struct, group or cell array may be named too, and the choice is then
 * made among what lies below it. Elements of a struct array may go by the names they carry (see `Place`). Otherwise it is
 * the largest numeric array (scalars, logical arrays and, where there is anything else, arrays called like a time axis or
 * an index are out). CWRU's `X…_DE_time` goes before `_FE_time` and `_BA_time`. Elements of one cell or struct array are
 * records of one run, and so are matrices of the same number of channels below one top-level name (their channels already
 * lie inside each): each becomes a recording, `file#path`.
 *
 * The rate is a single number called sr, fs, sample_rate or alike beside the array or further out, else
 * `options.sampleRate`, else the only such number elsewhere in the file.
 * @throws InputError when no array fits, several fit equally well, or the rate is missing, not positive or contradicted.
 */
export const chooseRecordings = (file: ArrayFile, options: ReadOptions): Recording[] => {
  const scope = options.variable === undefined ? file.arrays : named(file, options.variable);
  const chosen = scope.length === 1 && options.variable !== undefined ? scope : largest(file, scope);
  checkSamples(
    chosen.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    options,
    file.name,
  );
  return chosen.flatMap((array) => {
    const label = pathName(array.path, file.separator);
    const sampleRate = rateFor(file, array, options.sampleRate);
    const suffix = chosen.length > 1 ? `#${label}` : '';
    const what = { reader: file.reader, label, file: file.name, name: file.name + suffix };
    return recordingsOf(array, sampleRate, what);
  });
};

/** The arrays at or below what the user named, by index or by alias. */
const named = (file: ArrayFile, variable: string): NamedArray[] => {
  const plain = (name: string) => name.replace(/^\//, '').replaceAll('/', '.');
  const wanted = plain(variable);
  const isBelow = (path: string[]) =>
    path.some((_, i) => plain(pathName(path.slice(0, i + 1), file.separator)) === wanted);
  const below = ({ path, alias }: Place) => isBelow(path) || (alias !== undefined && isBelow(alias));
  const found = file.arrays.filter(below);
  if (found.length > 0) return found;
  const other = file.others.find(below);
  const scalar = file.scalars.find(below);
  const got = other ? `it is ${other.what}` : scalar ? 'it is a single number' : 'there is no such variable';
  throw new InputError(
    `${file.reader}: expected a numeric array at ${variable}, but ${got} (${file.name}); the arrays are: ${listed(file, file.arrays)}`,
  );
};

/** The largest array, or the records it belongs to. */
const largest = (file: ArrayFile, scope: NamedArray[]): NamedArray[] => {
  const possible = candidates(scope);
  if (possible.length === 0) {
    const others = file.others.map(({ path, what }) => `${pathName(path, file.separator)} (${what})`);
    const found = others.length > 0 ? `found only ${others.slice(0, 8).join(', ')}` : 'found none';
    throw new InputError(`${file.reader}: expected a numeric array of more than one sample, ${found} (${file.name})`);
  }
  const size = sizeOf(possible);
  const best = siblingGroups(possible).filter((arrays) => sizeOf(arrays) === size);
  if (best.length === 1 && best[0].length > 1) return best[0];
  const records = recordsLike(best[0][0], possible);
  if (best.every((arrays) => records.includes(arrays[0]))) return records;
  if (best.length === 1) return best[0];
  throw new InputError(
    `${file.reader}: expected one signal, found several arrays as large: ${listed(file, best.flat())} (${file.name}); name one with --variable`,
  );
};

/** Arrays whose paths differ in indices alone, together. */
const siblingGroups = (arrays: NamedArray[]): NamedArray[][] => {
  const groups = new Map<string, NamedArray[]>();
  for (const array of arrays) {
    const key = pathName(array.path, '/').replace(/[({]\d+[)}]/g, '{}');
    groups.set(key, [...(groups.get(key) ?? []), array]);
  }
  return [...groups.values()];
};

const candidates = (scope: NamedArray[]): NamedArray[] => {
  const arrays = scope.filter((array) => !array.onlyIfNamed && elementCount(array.shape) > 1);
  for (const end of ['DE', 'FE', 'BA']) {
    const drive = arrays.filter(({ path }) => CWRU_NAME.exec(path.at(-1) ?? '')?.[1] === end);
    if (drive.length > 0) return drive;
  }
  const signals = arrays.filter(({ path }) => !AXIS_NAME.test(path.at(-1) ?? ''));
  return signals.length > 0 ? signals : arrays;
};

/** The matrices that are records of the same run as `first`: see `chooseRecordings`. Empty when it is a plain vector. */
const recordsLike = (first: NamedArray, arrays: NamedArray[]): NamedArray[] => {
  const channels = (array: NamedArray) => Math.min(...array.shape);
  if (first.path.length < 2 || first.shape.length !== 2 || channels(first) < 2) return [];
  return arrays.filter(
    (array) =>
      array.path[0] === first.path[0] &&
      array.shape.length === 2 &&
      channels(array) === channels(first) &&
      elementCount(array.shape) >= RECORD_LENGTH_SHARE * elementCount(first.shape),
  );
};

const sizeOf = (arrays: NamedArray[]): number =>
  arrays.reduce((size, array) => Math.max(size, elementCount(array.shape)), 0);

const listed = (file: ArrayFile, arrays: NamedArray[]): string => {
  const names = arrays.map(({ path, shape }) => `${pathName(path, file.separator)} [${shape.join(', ')}]`);
  if (names.length === 0) return 'none';
  return names.slice(0, 8).join(', ') + (names.length > 8 ? ` and ${names.length - 8} more` : '');
};

/** The sampling rate for one array, in Hz. */
const rateFor = (file: ArrayFile, array: NamedArray, given: number | undefined): number => {
  const bare = file.scalars.filter(({ path }) => path.at(-1)?.toLowerCase() === 'rate');
  const rates = file.scalars.filter(({ path }) => RATE_NAME.test(plainName(path)));
  const own = ownRate(file, array, rates) ?? (file.bareRate ? ownRate(file, array, bare) : undefined);
  // A rate that lies elsewhere in the file is only taken where nobody says better.
  const found = own ?? (given === undefined ? onlyRate(rates) : undefined);
  if (found === undefined) {
    if (given !== undefined) return checkedRate(file, '--rate', given);
    const hint = bare.length > 0 ? ` (${pathName(bare[0].path, file.separator)} may be a shaft rate)` : '';
    throw new InputError(
      `${file.reader}: expected a sampling rate, found none${hint} (${file.name}); give it with --rate`,
    );
  }
  const label = pathName(found.path, file.separator);
  const rate = checkedRate(file, label, found.value);
  if (given === undefined || given === rate) return rate;
  throw new InputError(
    `${file.reader}: expected the file's own rate, ${rate} Hz (${label}), found --rate ${given} (${file.name}); leave --rate out`,
  );
};

type Scalar = ArrayFile['scalars'][number];

const plainName = (path: string[]): string => (path.at(-1) ?? '').toLowerCase().replace(/[\s_-]/g, '');

/** The rate below the array itself (an attribute), beside it or, step by step, further out. */
const ownRate = (file: ArrayFile, array: NamedArray, rates: Scalar[]): Scalar | undefined => {
  for (let depth = array.path.length; depth >= 0; depth--) {
    const beside = rates.filter(
      ({ path }) => path.length === depth + 1 && path.slice(0, depth).every((step, i) => step === array.path[i]),
    );
    const odd = beside.find(({ value }) => value !== beside[0].value);
    if (beside.length > 0 && !odd) return beside[0];
    if (odd) throw contradiction(file, beside[0], odd);
  }
  return undefined;
};

const contradiction = (file: ArrayFile, ...rates: Scalar[]): InputError => {
  const both = rates.map(({ path, value }) => `${pathName(path, file.separator)} = ${value}`).join(' and ');
  return new InputError(`${file.reader}: expected one sampling rate, found ${both} (${file.name}); correct the file`);
};

const onlyRate = (rates: Scalar[]): Scalar | undefined =>
  rates.every(({ value }) => value === rates[0].value) ? rates[0] : undefined;

const checkedRate = (file: ArrayFile, label: string, rate: number): number => {
  if (Number.isFinite(rate) && rate > 0) return rate;
  throw new InputError(
    `${file.reader}: expected a positive sampling rate in Hz at ${label}, found ${rate} (${file.name})`,
  );
};
