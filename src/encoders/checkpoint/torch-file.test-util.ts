// Writes checkpoints as torch.save lays them out (zip, pickle protocol 2), so that tests can load a family's own container.
import { zipSync } from 'fflate';
import type { StoredTensor } from '../../graph/stored-tensor.ts';

/** An `argparse.Namespace` with these attributes. */
export type Namespace = { namespace: Record<string, TorchData> };
export type TorchData =
  | null
  | boolean
  | number
  | string
  | StoredTensor
  | Namespace
  | TorchData[]
  | { [key: string]: TorchData }
  | ReadonlyMap<string | number, TorchData>;

type Storages = Map<string, Uint8Array>;

const latin1 = (text: string): number[] => Array.from(text, (letter) => letter.charCodeAt(0));
const uint32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)];
const global = (module: string, name: string): number[] => latin1(`c${module}\n${name}\n`);
const tuple = (...parts: number[][]): number[] => [...latin1('('), ...parts.flat(), ...latin1('t')];

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...latin1('X'), ...uint32(bytes.length), ...bytes];
}

function number(value: number): number[] {
  if (Number.isInteger(value)) return [...latin1('J'), ...uint32(value >>> 0)];
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return [...latin1('G'), ...bytes];
}

/** Arguments of `_rebuild_tensor_v2`: storage, offset, shape, strides, requires_grad, hooks. */
function tensor({ shape, data }: StoredTensor, storages: Storages): number[] {
  const key = String(storages.size);
  const floats = data as Float32Array;
  storages.set(key, new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const id = tuple(text('storage'), global('torch', 'FloatStorage'), text(key), text('cpu'), number(floats.length));
  const hooks = [...global('collections', 'OrderedDict'), ...latin1(')R')];
  return [
    ...global('torch._utils', '_rebuild_tensor_v2'),
    ...tuple(
      [...id, ...latin1('Q')],
      number(0),
      tuple(...shape.map(number)),
      tuple(...strides.map(number)),
      latin1('\x89'),
      hooks,
    ),
    ...latin1('R'),
  ];
}

const isTensor = (value: object): value is StoredTensor => 'dtype' in value && 'shape' in value;
const isNamespace = (value: object): value is Namespace => 'namespace' in value;

function pickled(value: TorchData, storages: Storages): number[] {
  if (value === null) return latin1('N');
  if (typeof value === 'boolean') return latin1(value ? '\x88' : '\x89');
  if (typeof value === 'number') return number(value);
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) {
    return [...latin1(']('), ...value.flatMap((item) => pickled(item, storages)), ...latin1('e')];
  }
  if (value instanceof Map) {
    const pairs = [...value].flatMap(([key, item]) => [...pickled(key, storages), ...pickled(item, storages)]);
    return [...latin1('}('), ...pairs, ...latin1('u')];
  }
  if (isTensor(value)) return tensor(value, storages);
  if (isNamespace(value)) {
    // NEWOBJ without arguments, then BUILD with the attributes.
    return [
      ...global('argparse', 'Namespace'),
      ...latin1(')\x81'),
      ...pickled(value.namespace, storages),
      ...latin1('b'),
    ];
  }
  return pickled(new Map(Object.entries(value)), storages);
}

/** The bytes of `torch.save(value)`; tensors are F32. */
export function writeTorchFile(value: TorchData): Uint8Array {
  const storages: Storages = new Map();
  const pickle = Uint8Array.from([...latin1('\x80\x02'), ...pickled(value, storages), ...latin1('.')]);
  const files = Object.fromEntries(Array.from(storages, ([key, bytes]) => [`model/data/${key}`, bytes]));
  return zipSync({ 'model/data.pkl': pickle, ...files }, { level: 0 });
}
