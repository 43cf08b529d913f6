// A restricted reader of Python pickles, protocols 2 to 5: it builds data and runs nothing.
// Source: CPython, Lib/pickletools.py (the opcodes' descriptions); PEP 307, PEP 3154, PEP 574.
import type { InputError } from '../../signal/errors.ts';

/** A class or function a pickle names. `call` is what the host puts in its place; without it, it may only be kept. */
export type PickleGlobal = {
  kind: 'opaque';
  className: string;
  state: unknown;
  call?: (args: unknown[]) => unknown;
};

/** What stands behind a pickle. */
export type PickleHost = {
  /** Starts every error message, and names the file. */
  fail(message: string, offset: number): InputError;
  /** What may stand for `module.name`; undefined refuses it. */
  global(className: string): PickleGlobal | undefined;
  /** The object a persistent id stands for. */
  persistent(id: unknown): unknown;
};

type Machine = {
  bytes: Uint8Array;
  view: DataView;
  at: number;
  stack: unknown[];
  marks: number[];
  memo: Map<number, unknown>;
  host: PickleHost;
};

const STOP = 0x2e;

/**
 * The object of the pickle that begins at `start`, and where the pickle ends. Lists and tuples become arrays, dicts
 * (OrderedDict too) become maps, integers beyond 2^53 bigint. Nothing a pickle names is called unless `host` offers it.
 * @throws InputError (made by `host.fail`) for opcodes outside protocols 2 to 5, globals the host refuses, damaged data.
 */
export const unpickle = (bytes: Uint8Array, start: number, host: PickleHost): { value: unknown; end: number } => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const machine: Machine = { bytes, view, at: start, stack: [], marks: [], memo: new Map(), host };
  for (;;) {
    const opcode = bytes[take(machine, 1)];
    if (opcode === STOP) return { value: pop(machine), end: machine.at };
    const run = OPCODES[opcode];
    if (!run) throw bad(machine, `expected an opcode of protocols 2 to 5, found ${opcode}`, machine.at - 1);
    run(machine);
  }
};

const bad = (machine: Machine, message: string, offset = machine.at): InputError => machine.host.fail(message, offset);

/** The place of the next `count` bytes, which are then behind. */
const take = (machine: Machine, count: number): number => {
  const from = machine.at;
  if (from + count > machine.bytes.length) {
    throw bad(machine, `expected ${count} more bytes of pickle, found ${machine.bytes.length - from}`);
  }
  machine.at += count;
  return from;
};

const pop = (machine: Machine): unknown => {
  const floor = machine.marks.at(-1) ?? 0;
  if (machine.stack.length <= floor) throw bad(machine, 'expected a value on the stack of the pickle, found none');
  return machine.stack.pop();
};

const top = (machine: Machine): unknown => {
  const value = pop(machine);
  machine.stack.push(value);
  return value;
};

const popMark = (machine: Machine): unknown[] => {
  const mark = machine.marks.pop();
  if (mark === undefined) throw bad(machine, 'expected a mark on the stack of the pickle, found none');
  return machine.stack.splice(mark);
};

const popMany = (machine: Machine, count: number): unknown[] =>
  Array.from({ length: count }, () => pop(machine)).reverse();

const length4 = (machine: Machine): number => machine.view.getUint32(take(machine, 4), true);

const length8 = (machine: Machine): number => {
  const length = machine.view.getBigUint64(take(machine, 8), true);
  return Number(length);
};

const length1 = (machine: Machine): number => machine.bytes[take(machine, 1)];

const takeBytes = (machine: Machine, count: number): Uint8Array => {
  const from = take(machine, count);
  return machine.bytes.subarray(from, from + count);
};

const utf8 = new TextDecoder();
const latin1 = new TextDecoder('latin1');

const pushText = (machine: Machine, count: number): void => {
  machine.stack.push(utf8.decode(takeBytes(machine, count)));
};

/** A little-endian two's complement integer of any width. */
const pushLong = (machine: Machine, count: number): void => {
  const bytes = takeBytes(machine, count);
  let value = 0n;
  for (let i = count - 1; i >= 0; i--) value = value * 256n + BigInt(bytes[i]);
  if (count > 0 && bytes[count - 1] >= 128) value -= 1n << BigInt(8 * count);
  machine.stack.push(Number.isSafeInteger(Number(value)) ? Number(value) : value);
};

const takeLine = (machine: Machine): string => {
  const end = machine.bytes.indexOf(0x0a, machine.at);
  if (end < 0) throw bad(machine, 'expected a line of text in the pickle, found no end of it');
  const line = utf8.decode(machine.bytes.subarray(machine.at, end));
  machine.at = end + 1;
  return line;
};

const pushGlobal = (machine: Machine, module: unknown, name: unknown, offset: number): void => {
  const className = `${module}.${name}`;
  const global = machine.host.global(className);
  if (!global) {
    throw bad(
      machine,
      `expected tensors and plain containers, found the class ${className}, which is refused: Thrum never executes code from files`,
      offset,
    );
  }
  machine.stack.push(global);
};

const isGlobal = (value: unknown): value is PickleGlobal =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'opaque';

/** Stands for a call or an instantiation; the host's function makes the value. */
const pushCall = (machine: Machine): void => {
  const [callee, args] = popMany(machine, 2);
  if (!isGlobal(callee) || !callee.call || !Array.isArray(args)) {
    const found = isGlobal(callee) ? callee.className : typeof callee;
    throw bad(machine, `expected something that may be built, found ${found}, which is refused`);
  }
  machine.stack.push(callee.call(args));
};

const setItems = (machine: Machine, items: unknown[]): void => {
  const target = top(machine);
  if (!(target instanceof Map) || items.length % 2 !== 0) throw bad(machine, 'expected a dict and pairs for it');
  for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
};

const append = (machine: Machine, items: unknown[]): void => {
  const target = top(machine);
  if (!Array.isArray(target)) throw bad(machine, 'expected a list to append to');
  for (const item of items) target.push(item);
};

const addItems = (machine: Machine, items: unknown[]): void => {
  const target = top(machine);
  if (!(target instanceof Set)) throw bad(machine, 'expected a set to add to');
  for (const item of items) target.add(item);
};

/** Attributes: kept for inert objects, dropped for dicts (PyTorch hangs `_metadata` on a state dict). */
const build = (machine: Machine): void => {
  const [object, state] = popMany(machine, 2);
  if (isGlobal(object) && state instanceof Map) object.state = state;
  else if (!(object instanceof Map)) throw bad(machine, 'expected a dict or an inert object to give attributes to');
  machine.stack.push(object);
};

const memoize = (machine: Machine, key: number): void => {
  machine.memo.set(key, top(machine));
};

const recall = (machine: Machine, key: number): void => {
  if (!machine.memo.has(key)) throw bad(machine, `expected memo entry ${key}, found none`);
  machine.stack.push(machine.memo.get(key));
};

const protocol = (machine: Machine): void => {
  const version = length1(machine);
  if (version < 2 || version > 5) throw bad(machine, `expected pickle protocol 2 to 5, found ${version}`);
};

const OPCODES: Record<number, (machine: Machine) => void> = {
  128: protocol,
  149: (m) => void take(m, 8), // FRAME
  40: (m) => void m.marks.push(m.stack.length), // MARK
  48: (m) => void pop(m), // POP
  49: (m) => void popMark(m), // POP_MARK
  78: (m) => void m.stack.push(null), // NONE
  136: (m) => void m.stack.push(true), // NEWTRUE
  137: (m) => void m.stack.push(false), // NEWFALSE
  74: (m) => void m.stack.push(m.view.getInt32(take(m, 4), true)), // BININT
  75: (m) => void m.stack.push(length1(m)), // BININT1
  77: (m) => void m.stack.push(m.view.getUint16(take(m, 2), true)), // BININT2
  138: (m) => pushLong(m, length1(m)), // LONG1
  139: (m) => pushLong(m, length4(m)), // LONG4
  71: (m) => void m.stack.push(m.view.getFloat64(take(m, 8), false)), // BINFLOAT
  84: (m) => void m.stack.push(latin1.decode(takeBytes(m, length4(m)))), // BINSTRING
  85: (m) => void m.stack.push(latin1.decode(takeBytes(m, length1(m)))), // SHORT_BINSTRING
  88: (m) => pushText(m, length4(m)), // BINUNICODE
  140: (m) => pushText(m, length1(m)), // SHORT_BINUNICODE
  141: (m) => pushText(m, length8(m)), // BINUNICODE8
  66: (m) => void m.stack.push(takeBytes(m, length4(m))), // BINBYTES
  67: (m) => void m.stack.push(takeBytes(m, length1(m))), // SHORT_BINBYTES
  142: (m) => void m.stack.push(takeBytes(m, length8(m))), // BINBYTES8
  150: (m) => void m.stack.push(takeBytes(m, length8(m))), // BYTEARRAY8
  93: (m) => void m.stack.push([]), // EMPTY_LIST
  97: (m) => append(m, [pop(m)]), // APPEND
  101: (m) => append(m, popMark(m)), // APPENDS
  41: (m) => void m.stack.push([]), // EMPTY_TUPLE
  116: (m) => void m.stack.push(popMark(m)), // TUPLE
  133: (m) => void m.stack.push(popMany(m, 1)), // TUPLE1
  134: (m) => void m.stack.push(popMany(m, 2)), // TUPLE2
  135: (m) => void m.stack.push(popMany(m, 3)), // TUPLE3
  125: (m) => void m.stack.push(new Map()), // EMPTY_DICT
  115: (m) => setItems(m, popMany(m, 2)), // SETITEM
  117: (m) => setItems(m, popMark(m)), // SETITEMS
  143: (m) => void m.stack.push(new Set()), // EMPTY_SET
  144: (m) => addItems(m, popMark(m)), // ADDITEMS
  145: (m) => void m.stack.push(new Set(popMark(m))), // FROZENSET
  99: (m) => pushGlobal(m, takeLine(m), takeLine(m), m.at), // GLOBAL
  147: (m) => {
    const [module, name] = popMany(m, 2); // STACK_GLOBAL
    pushGlobal(m, module, name, m.at - 1);
  },
  82: pushCall, // REDUCE
  129: pushCall, // NEWOBJ
  98: build, // BUILD
  81: (m) => void m.stack.push(m.host.persistent(pop(m))), // BINPERSID
  148: (m) => memoize(m, m.memo.size), // MEMOIZE
  113: (m) => memoize(m, length1(m)), // BINPUT
  114: (m) => memoize(m, length4(m)), // LONG_BINPUT
  104: (m) => recall(m, length1(m)), // BINGET
  106: (m) => recall(m, length4(m)), // LONG_BINGET
};
