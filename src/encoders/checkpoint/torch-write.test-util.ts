// Files as torch.save writes them, for tests: a dict of float32 tensors, perhaps one level down beside settings.
import { zipSync } from 'fflate';
import { type StoredTensor, toFloat32 } from '../../graph/stored-tensor.ts';

const little = (value: number): string =>
  String.fromCharCode(...[0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff));
// Opcodes of pickle, protocol 2: text, integer, tuple, dict.
const text = (value: string): string => `X${little(value.length)}${value}`;
const integer = (value: number): string => `J${little(value)}`;
const tuple = (...items: string[]): string => `(${items.join('')}t`;
const dict = (entries: readonly (readonly [string, string])[]): string =>
  `}(${entries.map(([key, value]) => text(key) + value).join('')}u`;

function tensor(key: string, { shape, data }: StoredTensor): string {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, dim) => product * dim, 1));
  const storage = tuple(text('storage'), 'ctorch\nFloatStorage\n', text(key), text('cpu'), integer(data.length));
  const empty = 'ccollections\nOrderedDict\n)R';
  const numbers = (values: readonly number[]) => tuple(...values.map(integer));
  return `ctorch._utils\n_rebuild_tensor_v2\n${tuple(`${storage}Q`, integer(0), numbers(shape), numbers(strides), '\x89', empty)}R`;
}

type Settings = Record<string, number | boolean>;

/** A state dict as a file of torch.save; with `cfg` as {"cfg", "model"}, as Microsoft's checkpoints are. */
export function writeTorchFile(tensors: ReadonlyMap<string, StoredTensor>, cfg?: Settings): Uint8Array {
  const model = dict([...tensors].map(([name, stored], i) => [name, tensor(String(i), stored)]));
  const value = (setting: number | boolean) =>
    typeof setting === 'number' ? integer(setting) : setting ? '\x88' : '\x89';
  const settings = cfg && dict(Object.entries(cfg).map(([key, setting]) => [key, value(setting)]));
  const pickle = `\x80\x02${
    settings
      ? dict([
          ['cfg', settings],
          ['model', model],
        ])
      : model
  }.`;
  const files: Record<string, Uint8Array> = {
    'm/data.pkl': Uint8Array.from(pickle, (letter) => letter.charCodeAt(0)),
  };
  for (const [i, stored] of [...tensors.values()].entries()) {
    files[`m/data/${i}`] = new Uint8Array(Float32Array.from(toFloat32(stored)).buffer);
  }
  return zipSync(files, { level: 0 });
}
