// MATLAB level 5 MAT-files, uncompressed: numeric arrays, text and structs, as measurement programs leave them.
import { concatenate } from '../concatenate.ts';
import { InputError } from '../errors.ts';
import { bytesOf } from '../typed-view.ts';

/** A numeric array in MATLAB's order (columns first); shape [rows, columns, …]. Stored in the class of its data. */
export type MatArray = { shape: readonly number[]; data: Float64Array | Float32Array | Int16Array };

/** What a variable or field may hold: an array, text, or a struct (several elements: a 1 x n struct array). */
export type MatValue = MatArray | string | MatStruct | readonly MatStruct[];
export type MatStruct = { fields: Readonly<Record<string, MatValue>> };

/** MAT-File Format (MathWorks, level 5): data types (mi…) and array classes (mx…). */
const MI = { int8: 1, uint16: 4, int16: 3, int32: 5, uint32: 6, single: 7, double: 9, matrix: 14 } as const;
const MX = { struct: 2, char: 4, double: 6, single: 7, int16: 10 } as const;

const FIELD_NAME_BYTES = 32;

/** One data element: tag, data, padding to 8 bytes. */
function element(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + Math.ceil(data.length / 8) * 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, type === MI.matrix ? bytes.length - 8 : data.length, true);
  bytes.set(data, 8);
  return bytes;
}

const latin = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

const matrix = (mxClass: number, shape: readonly number[], name: string, content: readonly Uint8Array[]): Uint8Array =>
  element(
    MI.matrix,
    concatenate(Uint8Array, [
      element(MI.uint32, bytesOf(Uint32Array.of(mxClass, 0))),
      element(MI.int32, bytesOf(Int32Array.from(shape))),
      element(MI.int8, latin(name)),
      ...content,
    ]),
  );

function structMatrix(name: string, elements: readonly MatStruct[]): Uint8Array {
  const names = Object.keys(elements[0]?.fields ?? {});
  const stored = new Uint8Array(names.length * FIELD_NAME_BYTES);
  for (const [i, field] of names.entries()) stored.set(latin(field).subarray(0, 31), i * FIELD_NAME_BYTES);
  return matrix(MX.struct, [1, elements.length], name, [
    element(MI.int32, bytesOf(Int32Array.of(FIELD_NAME_BYTES))),
    element(MI.int8, stored),
    ...elements.flatMap(({ fields }) => names.map((field) => variable('', fields[field]))),
  ]);
}

function variable(name: string, value: MatValue): Uint8Array {
  if (typeof value === 'string') {
    const text = element(MI.uint16, bytesOf(Uint16Array.from(value, (letter) => letter.charCodeAt(0))));
    return matrix(MX.char, [1, value.length], name, [text]);
  }
  if ('fields' in value) return structMatrix(name, [value]);
  if (!('data' in value)) return structMatrix(name, value);
  const { shape, data } = value;
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (size !== data.length) {
    throw new InputError(`writeMat: expected ${size} values for ${name} [${shape}], got ${data.length}`);
  }
  if (data instanceof Float64Array) return matrix(MX.double, shape, name, [element(MI.double, bytesOf(data))]);
  if (data instanceof Float32Array) return matrix(MX.single, shape, name, [element(MI.single, bytesOf(data))]);
  return matrix(MX.int16, shape, name, [element(MI.int16, bytesOf(data))]);
}

/**
 * A MATLAB level 5 file of named variables, little-endian and uncompressed.
 * @throws InputError for an array whose shape does not fit its data
 */
export function writeMat(variables: Readonly<Record<string, MatValue>>): Uint8Array {
  const header = new Uint8Array(128).fill(0x20, 0, 116);
  header.set(latin('MATLAB 5.0 MAT-file'));
  header.set([0x00, 0x01, 0x49, 0x4d], 124);
  return concatenate(Uint8Array, [header, ...Object.entries(variables).map(([name, value]) => variable(name, value))]);
}

/** Channels of equal length side by side, [samples, channels], in double precision. */
export function columns(channels: readonly Float32Array[]): MatArray {
  const samples = channels[0].length;
  const data = new Float64Array(samples * channels.length);
  for (const [c, channel] of channels.entries()) data.set(channel, c * samples);
  return { shape: [samples, channels.length], data };
}

/** A column of samples, as recorders store a channel. */
export const column = (samples: Float32Array): MatArray => columns([samples]);
