// Reads reference numbers from tests/golden: safetensors files (8-byte little-endian header length, JSON header, raw data).
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export type GoldenData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | Int8Array;

/** One reference tensor, row-major, in the type it was stored in. */
export type GoldenTensor = { dtype: string; shape: number[]; data: GoldenData };

type HeaderEntry = { dtype: string; shape: number[]; data_offsets: [number, number] };

const arrayOf: Record<string, (buffer: ArrayBuffer) => GoldenData> = {
  F32: (buffer) => new Float32Array(buffer),
  F64: (buffer) => new Float64Array(buffer),
  I64: (buffer) => new BigInt64Array(buffer),
  I32: (buffer) => new Int32Array(buffer),
  U8: (buffer) => new Uint8Array(buffer),
  I8: (buffer) => new Int8Array(buffer),
  BOOL: (buffer) => new Uint8Array(buffer),
};

const inProject = (relativePath: string): string => fileURLToPath(new URL(`./golden/${relativePath}`, import.meta.url));
const besideProject = (relativePath: string): string =>
  fileURLToPath(new URL(`../../shared/golden/${relativePath}`, import.meta.url));

/** Whether a folder of reference numbers is there: the large ones, and other people's weights, lie beside the project only. */
export const hasGolden = (folder: string): boolean =>
  existsSync(inProject(folder)) || existsSync(besideProject(folder));

/** Absolute path of a file below tests/golden, or below shared/golden beside the project. */
export const goldenPath = (relativePath: string): string => {
  const own = inProject(relativePath);
  return existsSync(own) || !existsSync(besideProject(relativePath)) ? own : besideProject(relativePath);
};

/** Every tensor of a safetensors file of reference numbers, by name. */
export const readGolden = (relativePath: string): Map<string, GoldenTensor> => {
  const bytes = new Uint8Array(readFileSync(goldenPath(relativePath)));
  const headerLength = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header: Record<string, HeaderEntry> = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)));
  const tensors = new Map<string, GoldenTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [start, end] = entry.data_offsets;
    const create = arrayOf[entry.dtype];
    if (!create) throw new Error(`readGolden: dtype ${entry.dtype} of ${name} is not one of ${Object.keys(arrayOf)}`);
    const data = create(bytes.slice(8 + headerLength + start, 8 + headerLength + end).buffer);
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, data });
  }
  return tensors;
};

/** The floating-point values of one tensor; an error that names it when it is missing or not a float tensor. */
export const floats = (tensors: Map<string, GoldenTensor>, name: string): Float32Array | Float64Array => {
  const data = tensors.get(name)?.data;
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  throw new Error(`floats: no floating-point tensor ${name}`);
};

/** The values of one float32 tensor. */
export const floats32 = (tensors: Map<string, GoldenTensor>, name: string): Float32Array => {
  const data = tensors.get(name)?.data;
  if (data instanceof Float32Array) return data;
  throw new Error(`floats32: no F32 tensor ${name}`);
};

/** The JSON beside the tensors (meta.json and the like). */
export const readGoldenJson = <T>(relativePath: string): T =>
  JSON.parse(readFileSync(goldenPath(relativePath), 'utf8'));

/** Largest absolute difference of two arrays; Infinity when the lengths differ or a value is not a number. */
export const maxDifference = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
};
