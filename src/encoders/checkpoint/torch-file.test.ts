import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { toFloat32 } from '../../graph/stored-tensor.ts';
import { InputError } from '../../signal/errors.ts';
import { readZipEntries, zipEntryBytes } from '../../signal/readers/zip.ts';
import { findStateDict } from './state-dict.ts';
import { readTorchFile } from './torch-file.ts';

const golden = new URL('../../../tests/golden/torch/', import.meta.url);
const load = (name: string) => new Uint8Array(readFileSync(new URL(name, golden)));
type Expected = Record<string, { dtype: string; shape: number[]; values: number[] }>;
const expected: Record<string, Expected> = JSON.parse(readFileSync(new URL('expected.json', golden), 'utf8'));
const stateDict = (file: string) => findStateDict(readTorchFile(load(file), file));

/** An archive as torch.save lays it out, around a pickle given as text of opcodes. */
const archive = (pickle: string | Uint8Array, more: Record<string, Uint8Array> = {}) => {
  const data = typeof pickle === 'string' ? Uint8Array.from(pickle, (letter) => letter.charCodeAt(0)) : pickle;
  const files = Object.entries({ 'data.pkl': data, ...more }).map(([path, bytes]) => [`m/${path}`, bytes]);
  return zipSync(Object.fromEntries(files), { level: 0 });
};

describe('readTorchFile', () => {
  for (const [file, tensors] of Object.entries(expected)) {
    if (file.startsWith('malicious')) continue;
    it(`reads the tensors PyTorch wrote (${file})`, () => {
      const state = stateDict(file);
      expect([...state.tensors.keys()]).toEqual(Object.keys(tensors));
      for (const [name, { dtype, shape, values }] of Object.entries(tensors)) {
        const tensor = state.tensors.get(name)!;
        expect([name, tensor.dtype, tensor.shape]).toEqual([name, dtype, shape]);
        expect([name, toFloat32(tensor)]).toEqual([name, Float32Array.from(values)]);
      }
    });
  }

  it('shares memory with the file where tensors are contiguous', () => {
    const bytes = load('types.pt');
    const { tensors } = findStateDict(readTorchFile(bytes));
    expect(tensors.get('rows')?.data.buffer).toBe(bytes.buffer);
    expect(tensors.get('transposed')?.data.buffer).not.toBe(bytes.buffer);
  });

  it.each([
    [
      'malicious.pt',
      /the class posix\.system, which is refused: Thrum never executes code from files \(malicious\.pt, data\.pkl byte \d+\)$/,
    ],
    ['malicious_legacy.pt', /the class posix\.system, which is refused: .* \(malicious_legacy\.pt, byte \d+\)$/],
  ])('refuses to run code (%s)', (file, message) => {
    expect(() => readTorchFile(load(file), file)).toThrow(message);
    expect(() => readTorchFile(load(file), file)).toThrow(InputError);
  });

  it.each([
    ['eval', '\x80\x02c__builtin__\neval\nX\x01\x00\x00\x001\x85R.'],
    ['eval by STACK_GLOBAL', '\x80\x04\x8c\x08builtins\x8c\x04eval\x93.'],
    ['getattr', '\x80\x02c__builtin__\ngetattr\n.'],
    ['an inherited name', '\x80\x02cconstructor\nconstructor\n.'],
    ['omegaconf', '\x80\x02comegaconf.dictconfig\nDictConfig\n)\x81.'],
  ])('refuses %s by name', (_, pickle) => {
    expect(() => readTorchFile(archive(pickle), 'x.pt')).toThrow(/found the class \S+, which is refused.*x\.pt/);
  });

  it.each([
    [
      'a storage type called',
      '\x80\x02ctorch\nFloatStorage\n)R.',
      /expected something that may be built, found torch\.FloatStorage/,
    ],
    ['an unknown opcode', '\x80\x02\xff.', /opcode of protocols 2 to 5, found 255 \(x, data\.pkl byte 2\)/],
    ['protocol 1', '\x80\x01.', /protocol 2 to 5, found 1/],
    ['an empty stack', '\x80\x02.', /expected a value on the stack/],
    ['no mark', '\x80\x02t.', /expected a mark/],
    ['an unknown memo entry', '\x80\x02h\x07.', /memo entry 7/],
    ['text beyond the end', '\x80\x02X\xff\xff\xff\x7fab', /expected 2147483647 more bytes of pickle, found 2/],
    ['no STOP', '\x80\x02N', /expected 1 more bytes of pickle, found 0/],
    ['a dict that is none', '\x80\x02]NNs.', /expected a dict and pairs/],
    ['a wrong tensor', '\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.', /expected a tensor of a storage/],
    ['another persistent id', '\x80\x02X\x01\x00\x00\x00aQ.', /persistent id of a storage/],
  ])('refuses %s', (_, pickle, message) => {
    expect(() => readTorchFile(archive(pickle), 'x')).toThrow(message);
    expect(() => readTorchFile(archive(pickle), 'x')).toThrow(InputError);
  });

  it('reads the values of the opcodes', () => {
    const read = (pickle: string) => readTorchFile(archive(`\x80\x04${pickle}.`));
    expect(read('J\xfe\xff\xff\xff')).toBe(-2);
    expect(read('\x8a\x02\x00\x80')).toBe(-32768);
    expect(read('\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01')).toBe(2n ** 64n);
    expect(read('\x8a\x00')).toBe(0);
    expect(read('G\x3f\xf8\x00\x00\x00\x00\x00\x00')).toBe(1.5);
    expect(read('(\x88\x89Nt')).toEqual([true, false, null]);
    expect(read('}(\x8c\x02\xc3\xbcK\x01\x8c\x01bM\x00\x02u')).toEqual(
      new Map([
        ['ü', 1],
        ['b', 512],
      ]),
    );
    expect(read('\x8f(K\x01K\x02\x90')).toEqual(new Set([1, 2]));
    expect(read(']\x94h\x00a')).toHaveLength(1);
    expect(read('C\x02ab')).toEqual(Uint8Array.of(97, 98));
  });

  describe('damaged archives', () => {
    const zip = { bytes: load('types.pt'), reader: 'test', name: 'types.pt' };
    const parts = new Map(readZipEntries(zip).map((entry) => [entry.path, zipEntryBytes(zip, entry, true)]));
    const root = [...parts.keys()][0].split('/')[0];
    const part = (path: string) => parts.get(`${root}/${path}`)!;
    const storages = Object.fromEntries(
      [...parts]
        .filter(([path]) => path.includes('/data/'))
        .map(([path, bytes]) => [path.slice(root.length + 1), bytes]),
    );

    it('says which storage is missing or short', () => {
      expect(findStateDict(readTorchFile(archive(part('data.pkl'), storages))).tensors.size).toBe(16);
      expect(() => readTorchFile(archive(part('data.pkl')))).toThrow(/expected the storage \d+, found none/);
      const short = { ...storages, 'data/1': storages['data/1'].subarray(0, 20) };
      expect(() => readTorchFile(archive(part('data.pkl'), short))).toThrow(
        /expected elements up to 5 for \w+ \[2, 3\] in the storage 1, found \d/,
      );
    });

    it('refuses big-endian files, other archives and other data', () => {
      const order = (text: string) => ({ ...storages, byteorder: new TextEncoder().encode(text) });
      expect(() => readTorchFile(archive(part('data.pkl'), order('big')))).toThrow(/found a big-endian one/);
      expect(readTorchFile(archive(part('data.pkl'), order('little')))).toBeInstanceOf(Map);
      expect(() => readTorchFile(zipSync({ 'a.txt': new Uint8Array(3) }))).toThrow(/expected data\.pkl/);
      expect(() => readTorchFile(new TextEncoder().encode('hello'), 'x.pt')).toThrow(
        /found other data \(x\.pt, byte 0\)/,
      );
      expect(() => readTorchFile(Uint8Array.of(0x80, 2, 0x4b, 1, 0x2e))).toThrow(/PyTorch's magic number/);
    });

    it.each(['fisher.pt', 'types_legacy.pt'])('answers any damage with an InputError or a value (%s)', (file) => {
      const bytes = load(file);
      const damage = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255), cut: fc.nat(bytes.length - 1) });
      fc.assert(
        fc.property(damage, ({ at, to, cut }) => {
          const damaged = bytes.slice();
          damaged[at] = to;
          for (const content of [damaged, bytes.subarray(0, cut)]) {
            try {
              findStateDict(readTorchFile(content));
            } catch (error) {
              expect(error).toBeInstanceOf(InputError);
            }
          }
        }),
        { numRuns: 500 },
      );
    });
  });

  it('has a file for every expectation', () => {
    const files = readdirSync(golden).filter((file) => /\.pth?$/.test(file));
    expect(files.sort()).toEqual(Object.keys(expected).sort());
  });
});

describe('findStateDict', () => {
  it('gives the settings beside the weights as plain objects', () => {
    expect(stateDict('echo.pth').config).toEqual({ model_type: 'tiny' });
    expect(stateDict('fisher.pt').config).toEqual({
      cfg: {
        model: { embed_dim: 3, image: { band_width: 100, names: ['a', 'b'] }, scale: 0.5, none: null, big: 2n ** 70n },
      },
    });
    expect(stateDict('namespace.pth').config).toEqual({ args: { model: 'mae', lr: 0.1, sizes: [1, 2], kinds: ['x'] } });
    expect(stateDict('bare.pt').config).toBeUndefined();
  });

  it('finds weights under state_dict, and drops prefixes', () => {
    const x = { dtype: 'F32' as const, shape: [1], data: Float32Array.of(1) };
    const nested = new Map([['state_dict', new Map([['module._orig_mod.a.module.b', x]])]]);
    expect(findStateDict(nested)).toEqual({ tensors: new Map([['a.module.b', x]]) });
    const twice = new Map([
      ['a', x],
      ['module.a', x],
    ]);
    expect(() => findStateDict(twice)).toThrow(/one tensor called a, found two/);
  });

  it('survives settings that contain themselves', () => {
    const x = { dtype: 'F32' as const, shape: [1], data: Float32Array.of(1) };
    const cfg = new Map();
    cfg.set('self', cfg).set('__proto__', 'kept');
    const { config } = findStateDict(
      new Map([
        ['model', new Map([['a', x]])],
        ['cfg', cfg],
      ]),
    );
    const plain = config?.cfg as Record<string, unknown>;
    expect(plain.self).toBe(plain);
    expect(Object.keys(plain)).toEqual(['self', '__proto__']);
    expect(Object.getPrototypeOf(plain)).toBe(Object.prototype);
  });

  it.each([
    [null, /found a None/],
    [3, /found a number/],
    [new Map([['epoch', 3]]), /expected a state dict, or one under encoder, model, state_dict, found the keys epoch/],
  ])('refuses %o', (value, message) => {
    expect(() => findStateDict(value)).toThrow(message);
    expect(() => findStateDict(value)).toThrow(InputError);
  });
});
