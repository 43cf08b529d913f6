// NumPy files as recordings: single arrays (.npy) and archives of named arrays (.npz).
import type { ReadOptions, Recording } from '../recording.ts';
import { elementCount } from '../typed-view.ts';
import { type ArrayFile, chooseRecordings } from './choose-array.ts';
import { isNpy, isNumeric, type NpyPlace, npyKind, npyNumbers, readNpyHeader } from './npy-format.ts';
import { checkSamples } from './too-long.ts';
import type { Reader } from './types.ts';
import { readZipEntries, type ZipFile, zipEntryBytes } from './zip.ts';

/**
 * The recordings in an .npy file: [samples], [channels, samples] or [samples, channels] (the longer axis is time), or
 * [records, channels, samples]. The rate comes from `options.sampleRate`; the format has no place for one.
 * @throws InputError for damaged files, types that are not real numbers, and a missing rate.
 */
export const readNpy = (bytes: Uint8Array, options: ReadOptions = {}): Recording[] => {
  const file = emptyFile('readNpy', options.name ?? 'NumPy file');
  collect(file, 'array', bytes, { reader: 'readNpy', name: file.name });
  return chooseRecordings(file, options);
};

/**
 * The recordings in an .npz archive. Which array is the signal and what its rate is: see `chooseRecordings`; here a
 * single number called `rate` counts as the rate as well.
 * @throws InputError for damaged archives, pickled objects taken as signal, and an unclear signal or rate.
 */
export const readNpz = (bytes: Uint8Array, options: ReadOptions = {}): Recording[] => {
  const file = emptyFile('readNpz', options.name ?? 'NumPy archive');
  const zip: ZipFile = { bytes, reader: 'readNpz', name: file.name };
  const entries = readZipEntries(zip);
  // Eight bytes are the widest number; headers and single numbers come on top.
  const bytesOfAll = entries.reduce((sum, { size }) => sum + Math.max(0, size - SMALL_ENTRY), 0);
  checkSamples(Math.ceil(bytesOfAll / 8), options, file.name);
  for (const entry of entries) {
    if (!entry.path.endsWith('.npy')) continue;
    const place = { reader: 'readNpz', name: `${file.name}, ${entry.path}` };
    collect(file, entry.path.slice(0, -'.npy'.length), zipEntryBytes(zip, entry, true), place);
  }
  return chooseRecordings(file, options);
};

/** An entry of this size is no signal worth refusing. */
const SMALL_ENTRY = 4096;

export const npyReader: Reader = { format: 'npy', detect: isNpy, read: readNpy };

/** An .npz archive is a zip archive whose first entry is an .npy file. */
export const npzReader: Reader = {
  format: 'npz',
  detect: (head) => {
    if (head.length < 30 || String.fromCharCode(...head.subarray(0, 4)) !== 'PK\x03\x04') return false;
    const pathLength = head[26] | (head[27] << 8);
    return new TextDecoder().decode(head.subarray(30, 30 + pathLength)).endsWith('.npy');
  },
  read: readNpz,
};

const emptyFile = (reader: string, name: string): ArrayFile => ({
  reader,
  name,
  separator: '.',
  arrays: [],
  scalars: [],
  others: [],
  bareRate: true,
});

const collect = (file: ArrayFile, key: string, bytes: Uint8Array, place: NpyPlace): void => {
  const header = readNpyHeader(bytes, place);
  const { shape, columnMajor, dtype } = header;
  const path = key.split('/');
  const load = () => npyNumbers(bytes, header, place);
  const size = elementCount(shape);
  // Complex arrays and long doubles stand for election, so that nothing else is taken in their stead; taken, they fail.
  if (!isNumeric(header) && !/^[cf]/.test(dtype)) file.others.push({ path, what: npyKind(header) });
  else if (size !== 1) file.arrays.push({ path, shape, columnMajor, onlyIfNamed: dtype === 'b1', load });
  else if (isNumeric(header)) file.scalars.push({ path, value: Number(load()[0]) });
};
