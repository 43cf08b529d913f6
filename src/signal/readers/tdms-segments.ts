// The segments of a TDMS file: what objects there are, their properties, and where their samples lie.
// Source: National Instruments, "TDMS File Format Internal Structure".
import { InputError } from '../errors.ts';

export type TdmsValue = number | bigint | string | boolean;
/** A run of samples: `repeat` blocks of `count`, `blockStride` bytes apart; within a block `step` bytes apart. */
export type TdmsRun = {
  start: number;
  count: number;
  step: number;
  repeat: number;
  blockStride: number;
  littleEndian: boolean;
};
/** `path` without quotes: [] is the file, [group], [group, channel]. `type`: data type code of the samples. */
export type TdmsObject = { path: string[]; type?: number; properties: Map<string, TdmsValue>; runs: TdmsRun[] };

type RawIndex = { type: number; count: number; bytes: number };
type Cursor = { view: DataView; at: number; end: number; littleEndian: boolean; name: string };
type Segment = { toc: number; littleEndian: boolean; start: number; dataStart: number; end: number; complete: boolean };
type Entry = { object: TdmsObject; index?: RawIndex };

const LEAD_IN_BYTES = 28;
/** Bits of the table of contents. */
const TOC = { metaData: 2, newObjectList: 4, rawData: 8, interleaved: 32, bigEndian: 64, daqmx: 128 };
/** Bytes per value by data type code. 10 and 0x1a are float64, 9 and 0x19 float32 (the latter with a unit). */
const TYPE_BYTES: Record<number, number> = {
  1: 1,
  2: 2,
  3: 4,
  4: 8,
  5: 1,
  6: 2,
  7: 4,
  8: 8,
  9: 4,
  10: 8,
  25: 4,
  26: 8,
  33: 1,
  68: 16,
  524300: 8,
  1048589: 16,
};
const STRING = 0x20;
const DAQMX = [0x1269, 0x126a, 0x1369];

/** @throws InputError for truncated and damaged files, and for DAQmx raw data. */
export const readTdmsObjects = (bytes: Uint8Array, name: string): TdmsObject[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<string, Entry>();
  let active: Entry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const segment = readLeadIn(view, at, name);
    if (segment.toc & TOC.metaData) active = readMetadata(view, segment, entries, active, name);
    if (segment.toc & TOC.rawData) placeRawData(segment, active, name);
    at = segment.end;
  }
  return [...entries.values()].map(({ object }) => object);
};

const readLeadIn = (view: DataView, at: number, name: string): Segment => {
  const fail = (expected: string, found: string, todo: string) =>
    new InputError(`readTdms: expected ${expected}, found ${found} (${name}, byte ${at}); ${todo}`);
  if (at + LEAD_IN_BYTES > view.byteLength) {
    throw fail(`${LEAD_IN_BYTES} bytes of lead-in`, `${view.byteLength - at}`, 'the file was cut off, copy it again');
  }
  const tag = view.getUint32(at);
  if (tag === 0x5444_5368) throw fail('a TDMS file', 'its index (TDSh)', 'give the .tdms file beside it');
  if (tag !== 0x5444_536d)
    throw fail('a segment (TDSm)', `0x${tag.toString(16)}`, 'the file is damaged, copy it again');
  const toc = view.getUint32(at + 4, true);
  const littleEndian = (toc & TOC.bigEndian) === 0;
  const start = at + LEAD_IN_BYTES;
  const next = view.getBigUint64(at + 12, littleEndian);
  const dataStart = start + Number(view.getBigUint64(at + 20, littleEndian));
  // All ones: the writing program ended before it could fill the size in. What it wrote goes to the end of the file.
  const complete = next !== 0xffff_ffff_ffff_ffffn;
  const end = complete ? start + Number(next) : view.byteLength;
  if (end > view.byteLength) {
    throw fail(`${next} bytes in the segment`, `${view.byteLength - start}`, 'the file was cut off, copy it again');
  }
  if (dataStart > end)
    throw fail('samples within the segment', `byte ${dataStart}`, 'the file is damaged, copy it again');
  return { toc, littleEndian, start, dataStart, end, complete };
};

/** The objects that have samples in this segment and, until said otherwise, in the following ones. */
const readMetadata = (
  view: DataView,
  segment: Segment,
  entries: Map<string, Entry>,
  previous: Entry[],
  name: string,
): Entry[] => {
  const cursor = { view, at: segment.start, end: segment.dataStart, littleEndian: segment.littleEndian, name };
  let active = segment.toc & TOC.newObjectList ? [] : [...previous];
  for (let left = uint32(cursor); left > 0; left--) {
    const path = text(cursor);
    const entry = entries.get(path) ?? { object: { path: splitPath(path), properties: new Map(), runs: [] } };
    entries.set(path, entry);
    const hasData = readRawIndex(cursor, entry);
    active = active.filter((other) => other !== entry || hasData);
    if (hasData && !active.includes(entry)) active.push(entry);
    for (let properties = uint32(cursor); properties > 0; properties--) {
      const key = text(cursor);
      entry.object.properties.set(key, value(cursor));
    }
  }
  return active;
};

/** Sets the entry's raw data index, or keeps it where the file says "as before"; false where there is no raw data. */
const readRawIndex = (cursor: Cursor, entry: Entry): boolean => {
  const header = uint32(cursor);
  if (header === 0xffffffff) return false;
  const path = entry.object.path.join('/');
  if (DAQMX.includes(header)) throw daqmxRefused(cursor.name, path);
  if (header === 0) {
    if (entry.index) return true;
    throw damaged(cursor, `a layout of ${path} in an earlier segment, found none`);
  }
  const type = uint32(cursor);
  const dimension = uint32(cursor);
  const count = uint64(cursor);
  const width = TYPE_BYTES[type];
  if (type !== STRING && width === undefined) throw damaged(cursor, `a known data type of ${path}, found ${type}`);
  if (dimension !== 1) throw damaged(cursor, `one dimension of ${path}, found ${dimension}`);
  if (entry.object.type !== undefined && entry.object.type !== type && entry.object.runs.length > 0) {
    throw damaged(cursor, `data type ${entry.object.type} of ${path} throughout, found ${type}`);
  }
  entry.object.type = type;
  entry.index = { type, count, bytes: type === STRING ? uint64(cursor) : count * width };
  return true;
};

const daqmxRefused = (name: string, path: string): InputError =>
  new InputError(
    `readTdms: expected samples of ${path || 'channels'} as numbers, found DAQmx raw data (${name}); save the file again from LabVIEW or DIAdem as standard TDMS`,
  );

const placeRawData = (segment: Segment, active: Entry[], name: string): void => {
  if (segment.toc & TOC.daqmx) throw daqmxRefused(name, '');
  const layout = active.flatMap(({ object, index }) => (index && index.bytes > 0 ? [{ object, index }] : []));
  const chunk = layout.reduce((sum, { index }) => sum + index.bytes, 0);
  const size = segment.end - segment.dataStart;
  const rest = chunk === 0 ? size : size % chunk;
  if (rest !== 0 && segment.complete) {
    throw new InputError(
      `readTdms: expected chunks of ${chunk} bytes, found ${size} bytes of samples (${name}, byte ${segment.dataStart}); the file is damaged, copy it again`,
    );
  }
  const repeat = chunk === 0 ? 0 : (size - rest) / chunk;
  if (repeat === 0) return;
  const { littleEndian } = segment;
  let start = segment.dataStart;
  if (segment.toc & TOC.interleaved) {
    const step = layout.reduce((sum, { index }) => sum + index.bytes / index.count, 0);
    for (const { object, index } of layout) {
      const count = Math.floor((size - rest) / step);
      object.runs.push({ start, count, step, repeat: 1, blockStride: 0, littleEndian });
      start += index.bytes / index.count;
    }
    return;
  }
  for (const { object, index } of layout) {
    const step = index.bytes / index.count;
    object.runs.push({ start, count: index.count, step, repeat, blockStride: chunk, littleEndian });
    start += index.bytes;
  }
};

const damaged = ({ name, at }: Cursor, expected: string): InputError =>
  new InputError(`readTdms: expected ${expected} (${name}, byte ${at}); the file is damaged, copy it again`);

/** Moves the cursor over `size` bytes of metadata and returns where they lie. */
const take = (cursor: Cursor, size: number): number => {
  const at = cursor.at;
  if (at + size > cursor.end) throw damaged(cursor, `${size} bytes of metadata, found ${cursor.end - at}`);
  cursor.at += size;
  return at;
};

const uint32 = (cursor: Cursor): number => cursor.view.getUint32(take(cursor, 4), cursor.littleEndian);
const uint64 = (cursor: Cursor): number => Number(cursor.view.getBigUint64(take(cursor, 8), cursor.littleEndian));

const text = (cursor: Cursor): string => {
  const size = uint32(cursor);
  const start = cursor.view.byteOffset + take(cursor, size);
  return new TextDecoder().decode(new Uint8Array(cursor.view.buffer, start, size));
};

/** `/'group'/'channel'`, with quotes in names doubled. */
const splitPath = (path: string): string[] =>
  [...path.matchAll(/\/'((?:[^']|'')*)'/g)].map((match) => match[1].replaceAll("''", "'"));

const value = (cursor: Cursor): TdmsValue => {
  const type = uint32(cursor);
  if (type === STRING) return text(cursor);
  const width = TYPE_BYTES[type];
  if (width === undefined) throw damaged(cursor, `a property of a known data type, found ${type}`);
  const at = take(cursor, width);
  if (type === 33) return cursor.view.getUint8(at) !== 0;
  return readTdmsNumber(type)?.(cursor.view, at, cursor.littleEndian) ?? `data type ${type}`;
};

type ReadNumber = (view: DataView, at: number, littleEndian: boolean) => number;

const READ_NUMBER: Record<number, ReadNumber> = {
  1: (view, at) => view.getInt8(at),
  2: (view, at, little) => view.getInt16(at, little),
  3: (view, at, little) => view.getInt32(at, little),
  4: (view, at, little) => Number(view.getBigInt64(at, little)),
  5: (view, at) => view.getUint8(at),
  6: (view, at, little) => view.getUint16(at, little),
  7: (view, at, little) => view.getUint32(at, little),
  8: (view, at, little) => Number(view.getBigUint64(at, little)),
  9: (view, at, little) => view.getFloat32(at, little),
  10: (view, at, little) => view.getFloat64(at, little),
  25: (view, at, little) => view.getFloat32(at, little),
  26: (view, at, little) => view.getFloat64(at, little),
};

/** How to read one value of a type; undefined for types that are no real numbers. */
export const readTdmsNumber = (type: number): ReadNumber | undefined => READ_NUMBER[type];
