// HDF5 files, and MATLAB 7.3 files, which are HDF5 behind a header of MATLAB's.
import type { Dataset, Group, Metadata } from 'h5wasm';
import { InputError } from '../errors.ts';
import type { ReadOptions, Recording } from '../recording.ts';
import type { NumericArray } from '../typed-view.ts';
import { type ArrayFile, chooseRecordings } from './choose-array.ts';
import type { Reader } from './types.ts';

type H5 = Awaited<ReturnType<typeof loadH5>>;

/** A walk over a file: what was found, and how much was visited, since links may go in circles. */
type Walk = { h5: H5; root: Group; file: ArrayFile; visits: number };

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** Where the signature may lie: at 0, or behind a user block of 512 bytes or a power of two times that. */
const SIGNATURE_OFFSETS = [0, 512, 1024, 2048];
const MAX_DEPTH = 32;
const MAX_VISITS = 200_000;
/** HDF5 type classes (H5Tpublic.h, H5T_class_t). */
const CLASS = { integer: 0, float: 1, string: 3, compound: 6, reference: 7, enumeration: 8 };
const CLASS_NAMES: Record<number, string> = {
  [CLASS.string]: 'text',
  [CLASS.compound]: 'compound values',
  [CLASS.enumeration]: 'an enumeration',
};

/** Whether the HDF5 signature lies where the format allows it ("HDF5 File Format Specification", section II.A). */
const isHdf5 = (head: Uint8Array): boolean =>
  SIGNATURE_OFFSETS.some((offset) => SIGNATURE.every((byte, i) => head[offset + i] === byte));

/**
 * The recordings in an HDF5 or MATLAB 7.3 file. Datasets are named by their path, `group/signal` or `group.signal`.
 * Which one is the signal and what its rate is: see `chooseRecordings`; attributes of the dataset and of its groups count
 * for the rate as single numbers do. MATLAB's arrays come in MATLAB's order of dimensions.
 * @throws InputError for damaged files, filters and types that cannot be read, and an unclear signal or rate.
 */
export const readHdf5 = async (bytes: Uint8Array, options: ReadOptions = {}): Promise<Recording[]> => {
  const name = options.name ?? 'HDF5 file';
  if (!isHdf5(bytes)) {
    throw new InputError(
      `readHdf5: expected the HDF5 signature at byte ${SIGNATURE_OFFSETS.join(', ')}, found none (${name})`,
    );
  }
  const h5 = await loadH5();
  // HDF5 opens files by path: the bytes go into the library's own memory under a name used once.
  const path = `/thrum-${fileNumber++}.h5`;
  h5.FS?.writeFile(path, bytes);
  try {
    return guarded(name, () => readOpened(h5, path, emptyFile(name, isMatlab(bytes)), options));
  } finally {
    h5.FS?.unlink(path);
  }
};

export const hdf5Reader: Reader = { format: 'hdf5', detect: isHdf5, read: readHdf5 };

let fileNumber = 0;

/** The library (4 MB of WebAssembly) is loaded when the first such file is read. */
const loadH5 = async () => {
  const h5 = await import('h5wasm');
  const module = await h5.ready;
  // Without this a failed read (an unknown filter, a damaged chunk) prints to the console and hands out old memory.
  module.activate_throwing_error_handler();
  return h5;
};

/** Runs `read`; what the HDF5 library throws becomes an InputError with the innermost of its reasons. */
const guarded = <T>(name: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) throw error;
    // The library also throws what C++ threw, which is no Error.
    const message = error instanceof Error ? error.message : String(error);
    const reasons = [...message.matchAll(/line \d+ in \w+\(\): (.*)/g)].map((match) => match[1]);
    const filter = reasons.find((reason) => reason.startsWith('required filter'));
    const reason = filter ?? reasons.at(-1) ?? message.split('\n')[0];
    throw new InputError(`readHdf5: expected a readable HDF5 file, found: ${reason} (${name})`);
  }
};

const readOpened = (h5: H5, path: string, file: ArrayFile, options: ReadOptions): Recording[] => {
  const opened = new h5.File(path, 'r');
  try {
    collectGroup({ h5, root: opened, file, visits: 0 }, [], opened);
    return chooseRecordings(file, options);
  } finally {
    opened.close();
  }
};

const emptyFile = (name: string, matlab: boolean): ArrayFile => ({
  reader: 'readHdf5',
  name,
  separator: matlab ? '.' : '/',
  arrays: [],
  scalars: [],
  others: [],
  bareRate: false,
});

const isMatlab = (bytes: Uint8Array): boolean => String.fromCharCode(...bytes.subarray(0, 10)) === 'MATLAB 7.3';

const collectGroup = (walk: Walk, path: string[], group: Group): void => {
  collectRates(walk, path, group);
  for (const key of group.keys()) {
    // MATLAB keeps the elements of cells in #refs#, where the cells themselves point, and class data in #subsystem#.
    if (key === '#refs#' || key === '#subsystem#') continue;
    collect(walk, [...path, key], group.get(key));
  }
};

const collect = (walk: Walk, path: string[], entity: unknown): void => {
  walk.visits++;
  if (path.length > MAX_DEPTH || walk.visits > MAX_VISITS) {
    throw new InputError(
      `readHdf5: expected at most ${MAX_DEPTH} nested groups and ${MAX_VISITS} objects, found more (${walk.file.name})`,
    );
  }
  if (entity instanceof walk.h5.Dataset) collectDataset(walk, path, entity);
  else if (entity instanceof walk.h5.Group) {
    if ('MATLAB_sparse' in entity.attrs)
      walk.file.others.push({ path, what: 'a sparse matrix, which is not supported' });
    else collectGroup(walk, path, entity);
  }
};

const collectDataset = (walk: Walk, path: string[], dataset: Dataset): void => {
  const { file } = walk;
  const { type, total_size: count } = dataset.metadata;
  const matlabClass = textAttribute(dataset, 'MATLAB_class');
  const numeric = type === CLASS.integer || type === CLASS.float;
  collectRates(walk, path, dataset);
  if (type === CLASS.reference) collectReferences(walk, path, dataset, matlabClass === 'cell');
  else if (matlabClass === 'char') file.others.push({ path, what: 'a char array' });
  else if (!numeric) file.others.push({ path, what: CLASS_NAMES[type] ?? `HDF5 type class ${type}` });
  else if ('MATLAB_empty' in dataset.attrs || count === 0) file.others.push({ path, what: 'an empty array' });
  else if (count === 1 && isReadable(dataset.metadata)) file.scalars.push({ path, value: firstNumber(dataset.value) });
  else {
    const shape = dataset.shape ?? [];
    file.arrays.push({
      path,
      // MATLAB writes its dimensions in reverse, so that its column-major data reads as C order.
      shape: matlabClass === undefined ? shape : shape.toReversed(),
      columnMajor: matlabClass !== undefined,
      onlyIfNamed: matlabClass === 'logical',
      load: () => numbers(file, path, dataset),
    });
  }
};

/** Cells point at their elements; so do the fields of MATLAB's struct arrays, whose index goes before the field. */
const collectReferences = (walk: Walk, path: string[], dataset: Dataset, isCell: boolean): void => {
  const { total_size: count } = dataset.metadata;
  if (count > MAX_VISITS) {
    throw new InputError(`readHdf5: expected at most ${MAX_VISITS} references, found ${count} (${walk.file.name})`);
  }
  const references = dataset.value;
  if (!Array.isArray(references)) return;
  for (const [i, reference] of references.entries()) {
    if (!(reference instanceof walk.h5.Reference)) continue;
    const step = isCell ? [...path, `{${i + 1}}`] : [...path.slice(0, -1), `(${i + 1})`, ...path.slice(-1)];
    collect(walk, step, walk.root.dereference(reference));
  }
};

/** Attributes that are single numbers stand as scalars below their object: `signal/sample_rate`. */
const collectRates = (walk: Walk, path: string[], object: Dataset | Group): void => {
  for (const [key, attribute] of Object.entries(object.attrs)) {
    const single = attribute.metadata.total_size === 1 && isReadable(attribute.metadata);
    if (single && !key.startsWith('MATLAB')) {
      walk.file.scalars.push({ path: [...path, key], value: firstNumber(attribute.value) });
    }
  }
};

/** The library has no arrays for 16-bit floats and long doubles. */
const isReadable = ({ type, size }: Metadata): boolean =>
  type === CLASS.integer || (type === CLASS.float && (size === 4 || size === 8));

const textAttribute = (object: Dataset, key: string): string | undefined => {
  if (!(key in object.attrs)) return undefined;
  const value = object.attrs[key].value;
  return typeof value === 'string' ? value : undefined;
};

const firstNumber = (value: unknown): number => Number(ArrayBuffer.isView(value) ? Object(value)[0] : value);

const numbers = (file: ArrayFile, path: string[], dataset: Dataset): NumericArray => {
  const { metadata } = dataset;
  const value = isReadable(metadata) ? dataset.value : undefined;
  if (ArrayBuffer.isView(value) && !(value instanceof Uint8ClampedArray)) return value;
  const found = `${metadata.size * 8}-bit values of HDF5 type class ${metadata.type}`;
  throw new InputError(
    `readHdf5: expected integers, or floats of 32 or 64 bits, at ${path.join('/')}, found ${found} (${file.name})`,
  );
};
