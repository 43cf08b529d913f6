// Where a checkpoint keeps its weights, and what it says about the model they belong to.
import type { StoredTensor } from '../../graph/stored-tensor.ts';
import { InputError } from '../../signal/errors.ts';
import type { TorchValue } from './torch-file.ts';

/** The weights of a checkpoint by name, and its settings as plain objects (absent for a bare state dict). */
export type StateDict = { tensors: Map<string, StoredTensor>; config?: Record<string, unknown> };

/** Under which keys weights are found, in the order they are looked for: ECHO; FISHER, BEATs, AudioMAE; Lightning. */
const WEIGHT_KEYS = ['encoder', 'model', 'state_dict'];
/** Keys beside the weights that describe the model. The rest (optimizer, epoch …) is about its training. */
const CONFIG_KEYS = ['cfg', 'config', 'args', 'hyper_parameters', 'model_type', 'label_dict'];
/** How deep settings may nest. */
const MAX_DEPTH = 64;
/** Names torch.compile and DataParallel put in front of all others. */
const WRAPPERS = /^(_orig_mod\.|module\.)+/;

/**
 * The state dict in a checkpoint: the object itself, or what it holds under `encoder`, `model` or `state_dict`. Prefixes
 * `_orig_mod.` and `module.` are dropped; entries that are no tensors are left out. `config` has the checkpoint's `cfg`,
 * `config`, `args`, `model_type` … under those names: FISHER's settings are at `config.cfg.model`, ECHO's size at
 * `config.model_type`.
 * @throws InputError when there is no state dict, or two names become one without their prefixes, or settings nest deeper than 64.
 */
export const findStateDict = (value: TorchValue): StateDict => {
  if (!(value instanceof Map)) throw missing(`a ${value === null ? 'None' : typeof value}`);
  const key = WEIGHT_KEYS.find((name) => hasTensors(value.get(name)));
  const weights = key === undefined ? value : value.get(key);
  if (!(weights instanceof Map) || !hasTensors(weights))
    throw missing(`the keys ${[...value.keys()].slice(0, 8).join(', ')}`);
  if (weights === value) return { tensors: namedTensors(value) };
  const settings = CONFIG_KEYS.filter((name) => value.has(name)).map(
    (name) => [name, value.get(name) ?? null] as const,
  );
  const tensors = namedTensors(weights);
  if (settings.length === 0) return { tensors };
  const seen = new Map<TorchValue, unknown>();
  return { tensors, config: Object.fromEntries(settings.map(([name, setting]) => [name, plain(setting, seen)])) };
};

const missing = (found: string): InputError =>
  new InputError(`findStateDict: expected a state dict, or one under ${WEIGHT_KEYS.join(', ')}, found ${found}`);

const isTensor = (value: TorchValue | undefined): value is StoredTensor =>
  typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value;

const hasTensors = (value: TorchValue | undefined): boolean =>
  value instanceof Map && [...value.values()].some(isTensor);

const namedTensors = (dict: Map<TorchValue, TorchValue>): Map<string, StoredTensor> => {
  const tensors = new Map<string, StoredTensor>();
  for (const [key, tensor] of dict) {
    if (!isTensor(tensor)) continue;
    const name = String(key).replace(WRAPPERS, '');
    if (tensors.has(name)) throw new InputError(`findStateDict: expected one tensor called ${name}, found two`);
    tensors.set(name, tensor);
  }
  return tensors;
};

/** Maps and inert objects as plain objects. `seen` keeps shared parts shared, and circles from running on. */
const plain = (value: TorchValue, seen: Map<TorchValue, unknown>, depth = 0): unknown => {
  if (depth > MAX_DEPTH) throw new InputError(`findStateDict: expected settings at most ${MAX_DEPTH} levels deep`);
  if (typeof value !== 'object' || value === null || isTensor(value) || value instanceof Uint8Array) return value;
  if (seen.has(value)) return seen.get(value);
  if (Array.isArray(value) || value instanceof Set) {
    const list: unknown[] = [];
    seen.set(value, list);
    for (const item of value) list.push(plain(item, seen, depth + 1));
    return list;
  }
  if (!(value instanceof Map)) return plain(value.state, seen, depth + 1);
  const object: Record<string, unknown> = {};
  seen.set(value, object);
  for (const [key, item] of value) {
    // Defined, not assigned: a key `__proto__` stays a key.
    Object.defineProperty(object, String(key), {
      value: plain(item, seen, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return object;
};
