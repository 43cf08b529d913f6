// What a PyTorch pickle may name: tensors over storages, and a few containers. Everything else is refused.
// Source: PyTorch, torch/_utils.py (_rebuild_tensor_v2) and torch/serialization.py (persistent ids).
import { type StoredDtype, type StoredTensor, storedView, storedWidth } from '../../graph/stored-tensor.ts';
import type { InputError } from '../../signal/errors.ts';
import { elementCount, type NumericArray } from '../../signal/typed-view.ts';
import type { PickleGlobal, PickleHost } from './pickle.ts';

/** A storage a pickle points at; its bytes lie elsewhere in the file. `first` is where a view of it begins. */
type Storage = { kind: 'opaque'; className: string; state: unknown; key: string; dtype: StoredDtype; first: number };

/** A tensor whose numbers are still to be found. */
type PendingTensor = { tensor: StoredTensor; storage: Storage; offset: number; strides: number[] };

/** The host of a PyTorch pickle: it collects tensors, and fills them when the storages are at hand. */
export type TorchHost = PickleHost & {
  /** Element types of the storages met so far, by key. */
  dtypes: Map<string, StoredDtype>;
  /** Gives every tensor its numbers. @throws InputError when one reaches beyond its storage. */
  fill(storageBytes: (key: string) => Uint8Array | undefined): void;
};

const STORAGE_TYPES: Record<string, StoredDtype> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'BOOL',
};

/** Views that repeat their storage may be larger than the file; not larger than this. */
const MAX_TENSOR_BYTES = 2 ** 32;

/** `fail` makes the error for a message and the place in the pickle, if known. */
export const torchHost = (fail: (message: string, offset?: number) => InputError): TorchHost => {
  const pending: PendingTensor[] = [];
  const dtypes = new Map<string, StoredDtype>();
  const rebuildTensor = (args: unknown[]): StoredTensor => {
    const [storage, offset, shape, strides] = args;
    if (!isStorage(storage) || !isSize(offset) || !isSizes(shape) || !isSizes(strides)) {
      throw fail('expected a tensor of a storage, an offset, a shape and strides, found other arguments');
    }
    if (shape.length !== strides.length) {
      throw fail(`expected ${shape.length} strides for [${shape.join(', ')}], found ${strides.length}`);
    }
    const tensor = { dtype: storage.dtype, shape, data: new Uint8Array(0) };
    pending.push({ tensor, storage, offset: offset + storage.first, strides });
    return tensor;
  };
  const callables: Record<string, (args: unknown[]) => unknown> = {
    'torch._utils._rebuild_tensor_v2': rebuildTensor,
    'torch._utils._rebuild_parameter': ([data]) => data,
    'collections.OrderedDict': ([items]) => dictOf(items),
    'argparse.Namespace': () => ({ kind: 'opaque', className: 'argparse.Namespace', state: null }),
    ...Object.fromEntries(
      ['builtins', '__builtin__'].flatMap((module) => [
        [`${module}.set`, ([items]: unknown[]) => new Set(listOf(items))],
        [`${module}.frozenset`, ([items]: unknown[]) => new Set(listOf(items))],
        [`${module}.list`, ([items]: unknown[]) => [...listOf(items)]],
        [`${module}.tuple`, ([items]: unknown[]) => [...listOf(items)]],
        [`${module}.dict`, ([items]: unknown[]) => dictOf(items)],
      ]),
    ),
  };
  const global = (className: string): PickleGlobal | undefined => {
    const call = Object.hasOwn(callables, className) ? callables[className] : undefined;
    const allowed = call !== undefined || Object.hasOwn(STORAGE_TYPES, className);
    return allowed ? { kind: 'opaque', className, state: null, call } : undefined;
  };
  const persistent = (id: unknown): Storage => {
    // ('storage', type, key, location, element count[, view]); a view is None or (key, first element, element count).
    const [kind, type, key, , , view] = Array.isArray(id) ? id : [];
    const dtype = isNamed(type) ? STORAGE_TYPES[type.className] : undefined;
    if (kind !== 'storage' || dtype === undefined || typeof key !== 'string') {
      throw fail('expected a persistent id of a storage, found another one');
    }
    dtypes.set(key, dtype);
    const first = Array.isArray(view) && isSize(view[1]) ? view[1] : 0;
    return { kind: 'opaque', className: 'torch storage', state: null, key, dtype, first };
  };
  const fill = (storageBytes: (key: string) => Uint8Array | undefined): void => {
    for (const item of pending) {
      const bytes = storageBytes(item.storage.key);
      if (!bytes) throw fail(`expected the storage ${item.storage.key}, found none; the file is cut short`);
      const problem = beyond(item, bytes);
      if (problem !== undefined) throw fail(problem);
      item.tensor.data = contiguous(item, bytes);
    }
  };
  return { fail: (message, offset) => fail(message, offset), global, persistent, dtypes, fill };
};

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isSizes = (value: unknown): value is number[] => Array.isArray(value) && value.every(isSize);
const isNamed = (value: unknown): value is { className: string } =>
  typeof value === 'object' && value !== null && 'className' in value && typeof value.className === 'string';
const isStorage = (value: unknown): value is Storage => isNamed(value) && 'key' in value && 'dtype' in value;
const listOf = (items: unknown): unknown[] => (Array.isArray(items) ? items : items instanceof Set ? [...items] : []);

/** A dict from nothing, from a dict, or from pairs. */
const dictOf = (items: unknown): Map<unknown, unknown> =>
  new Map(items instanceof Map ? items : listOf(items).map((pair) => [listOf(pair)[0], listOf(pair)[1]]));

/** What is wrong with a tensor's place in its storage, if anything. */
const beyond = ({ tensor, storage, offset, strides }: PendingTensor, bytes: Uint8Array): string | undefined => {
  const count = elementCount(tensor.shape);
  const shape = `${tensor.dtype} [${tensor.shape.join(', ')}]`;
  const width = storedWidth(tensor.dtype);
  if (count * width > MAX_TENSOR_BYTES) return `expected at most ${MAX_TENSOR_BYTES} bytes a tensor, found ${shape}`;
  const last = strides.reduce((sum, stride, axis) => sum + stride * (tensor.shape[axis] - 1), offset);
  const elements = Math.floor(bytes.length / width);
  if (count === 0 || last < elements) return undefined;
  return `expected elements up to ${last} for ${shape} in the storage ${storage.key}, found ${elements}`;
};

/** A tensor's numbers in C order: a view where they lie so already, else gathered along the strides. */
const contiguous = ({ tensor, offset, strides }: PendingTensor, bytes: Uint8Array): NumericArray => {
  const { dtype, shape } = tensor;
  const count = elementCount(shape);
  if (count === 0) return storedView(dtype, new Uint8Array(0), 0, 0);
  const width = storedWidth(dtype);
  const inOrder = shape.every((size, axis) => size === 1 || strides[axis] === elementCount(shape.slice(axis + 1)));
  if (inOrder) return storedView(dtype, bytes, offset * width, count);
  // Gathered as bytes, so that one loop serves every type.
  const gathered = new Uint8Array(count * width);
  const index = shape.map(() => 0);
  let from = offset;
  for (let i = 0; i < count; i++) {
    for (let byte = 0; byte < width; byte++) gathered[i * width + byte] = bytes[from * width + byte];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return storedView(dtype, gathered, 0, count);
};
