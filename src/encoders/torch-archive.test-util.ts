// Writes an archive as torch.save does, for tests: tensors, numbers, text and lists in nested dictionaries.
import { zipSync } from 'fflate';
import type { StoredTensor } from '../graph/stored-tensor.ts';

export type Saved = number | string | number[] | StoredTensor | { [key: string]: Saved } | Map<string, Saved>;

const int32 = (value: number): number[] => [...new Uint8Array(Int32Array.of(value).buffer)];
const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];
const text = (value: string): number[] => [...ascii('X'), ...int32(value.length), ...ascii(value)];
const number = (value: number): number[] => [...ascii('J'), ...int32(value)];
const tuple = (parts: number[][]): number[] => [...ascii('('), ...parts.flat(), ...ascii('t')];
const global = (module: string, name: string): number[] => ascii(`c${module}\n${name}\n`);

/** Bytes of a zip archive with a pickle of protocol 2; tensors must be of 32-bit floats. */
export function torchArchive(value: Saved): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  const tensor = ({ shape, data }: StoredTensor): number[] => {
    const key = `${Object.keys(files).length}`;
    files[`m/data/${key}`] = Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const storage = tuple([
      text('storage'),
      global('torch', 'FloatStorage'),
      text(key),
      text('cpu'),
      number(data.length),
    ]);
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, size) => product * size, 1));
    const hooks = [...global('collections', 'OrderedDict'), ...ascii(')R')];
    const parts = [
      [...storage, ...ascii('Q')],
      number(0),
      tuple(shape.map(number)),
      tuple(strides.map(number)),
      [0x89], // requires_grad: False
      hooks,
    ];
    return [...global('torch._utils', '_rebuild_tensor_v2'), ...tuple(parts), ...ascii('R')];
  };
  const pickled = (item: Saved): number[] => {
    if (typeof item === 'number') return number(item);
    if (typeof item === 'string') return text(item);
    if (Array.isArray(item)) return [...ascii(']('), ...item.flatMap(number), ...ascii('e')];
    if ('dtype' in item) return tensor(item as StoredTensor);
    const entries: [string, Saved][] = item instanceof Map ? [...item] : Object.entries(item);
    return [...ascii('}('), ...entries.flatMap(([key, inner]) => [...text(key), ...pickled(inner)]), ...ascii('u')];
  };
  const pickle = Uint8Array.from([0x80, 2, ...pickled(value), ...ascii('.')]);
  return zipSync({ 'm/data.pkl': pickle, ...files }, { level: 0 });
}
