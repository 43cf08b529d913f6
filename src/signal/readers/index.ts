// Any file Thrum reads, told by its contents, to recordings.
import { InputError } from '../errors.ts';
import { duration, type ReadOptions, type Recording, sampleCount } from '../recording.ts';
import { checkSamples, checkSeconds } from './too-long.ts';
import type { Reader } from './types.ts';

const HEAD_BYTES = 4096;
/** A rate given by the user may differ by this much from the file's: 48828 stands for 48828.125. */
const RATE_TOLERANCE = 1e-3;

/** In order of detection; each is loaded when a file comes that none before it claims. Any text is CSV, so it is last. */
const READERS: (() => Promise<Reader>)[] = [
  async () => (await import('./wav.ts')).wavReader,
  async () => (await import('./flac.ts')).flacReader,
  async () => (await import('./ogg.ts')).oggReader,
  async () => (await import('./tdms.ts')).tdmsReader,
  async () => (await import('./npy.ts')).npyReader,
  async () => (await import('./npy.ts')).npzReader,
  async () => (await import('./mat.ts')).matReader,
  async () => (await import('./hdf5.ts')).hdf5Reader,
  async () => (await import('./mp3.ts')).mp3Reader,
  async () => (await import('./csv.ts')).csvReader,
];

const FORMATS = 'WAV, FLAC, Ogg (Vorbis, Opus, FLAC), MP3, MATLAB, HDF5, NumPy (.npy, .npz), TDMS and CSV';

/** First bytes of formats that are common and refused, and what to do with such a file. */
const REFUSED: { magic: string; what: string; todo: string }[] = [
  { magic: '\x1f\x8b', what: 'a gzip archive', todo: 'unpack it first' },
  { magic: 'PK\x03\x04', what: 'a zip archive (or Office document) without NumPy arrays', todo: 'unpack it first' },
  { magic: 'PK\x05\x06', what: 'an empty zip archive', todo: 'give the recordings themselves' },
  { magic: 'BZh', what: 'a bzip2 archive', todo: 'unpack it first' },
  { magic: '\xfd7zXZ', what: 'an xz archive', todo: 'unpack it first' },
  { magic: '7z\xbc\xaf', what: 'a 7-Zip archive', todo: 'unpack it first' },
  { magic: 'Rar!', what: 'a RAR archive', todo: 'unpack it first' },
  { magic: 'PAR1', what: 'a Parquet file', todo: 'export it as CSV' },
  { magic: 'FORM', what: 'an AIFF file', todo: 'convert it to WAV' },
  { magic: '\x30\x26\xb2\x75', what: 'a Windows Media file', todo: 'convert it to WAV' },
];

/**
 * The recordings in a file, each with at least one sample, channels of equal length and a positive rate.
 * @throws InputError for contents of no known format, whatever the format's reader refuses, and when
 * `options.sampleRate` differs by more than 0.1 % from the rate that the file carries, and for more than `maxSamples` or
 * `maxSeconds`.
 */
export const readRecordings = async (bytes: Uint8Array, options: ReadOptions = {}): Promise<Recording[]> => {
  const name = options.name ?? 'input';
  if (bytes.length === 0) throw new InputError(`readRecordings: expected a recording, found an empty file (${name})`);
  const reader = await findReader(bytes.subarray(0, HEAD_BYTES));
  if (!reader) throw unknownFormat(bytes, name);
  const recordings = await reader.read(bytes, { ...options, name });
  if (recordings.length === 0)
    throw new InputError(`readRecordings: expected samples, found none (${name}); record again`);
  checkSamples(
    recordings.reduce((sum, one) => sum + one.channels.length * sampleCount(one), 0),
    options,
    name,
  );
  for (const recording of recordings) {
    checkRecording(recording, options.sampleRate);
    checkSeconds(duration(recording), options, recording.name);
  }
  return recordings;
};

const findReader = async (head: Uint8Array): Promise<Reader | undefined> => {
  for (const load of READERS) {
    const reader = await load();
    if (reader.detect(head)) return reader;
  }
  return undefined;
};

const checkRecording = (recording: Recording, wantedRate: number | undefined): void => {
  const { channels, sampleRate, name } = recording;
  const samples = sampleCount(recording);
  const fail = (expected: string, found: string, todo: string) =>
    new InputError(`readRecordings: expected ${expected}, found ${found} (${name}); ${todo}`);
  if (samples === 0) throw fail('samples', 'none', 'record again');
  const other = channels.find((channel) => channel.length !== samples);
  if (other) throw fail(`${samples} samples in every channel`, `${other.length}`, 'name one channel with --variable');
  if (!Number.isFinite(sampleRate) || sampleRate <= 0) {
    throw fail('a sampling rate above 0 Hz', `${sampleRate}`, 'correct the file, or --rate if it was given');
  }
  if (wantedRate !== undefined && !(Math.abs(wantedRate - sampleRate) <= RATE_TOLERANCE * sampleRate)) {
    throw fail(`${wantedRate} Hz as given with --rate`, `${sampleRate} Hz in the file`, 'leave the option out');
  }
};

const unknownFormat = (bytes: Uint8Array, name: string): InputError => {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  const refused = REFUSED.find(({ magic }) => start.startsWith(magic));
  const hex = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const found = refused?.what ?? `bytes ${hex} (${JSON.stringify(start.slice(0, 8).replace(/[^ -~]/g, '.'))})`;
  return new InputError(
    `readRecordings: expected ${FORMATS}, found ${found} (${name}); ${refused?.todo ?? 'convert the file to one of these'}`,
  );
};
