import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import { readTdms, tdmsReader } from './tdms.ts';

type Property = [key: string, type: number, value: number | string];
type Raw = { type: number; count: number } | 'none' | 'as before' | 'daqmx';
type ObjectSpec = { path: string; raw: Raw; properties?: Property[] };
type SegmentSpec = {
  objects?: ObjectSpec[];
  /** Values in the order they lie in the file. */
  data?: [type: number, values: number[]][];
  newList?: boolean;
  interleaved?: boolean;
  big?: boolean;
  unfinished?: boolean;
};

const WIDTHS: Record<number, number> = { 1: 1, 2: 2, 3: 4, 4: 8, 5: 1, 6: 2, 7: 4, 8: 8, 9: 4, 10: 8, 25: 4, 26: 8 };

/** One value as the format stores it. */
const packed = (type: number, value: number, little: boolean): number[] => {
  const view = new DataView(new ArrayBuffer(WIDTHS[type]));
  if (type === 9 || type === 25) view.setFloat32(0, value, little);
  else if (type === 10 || type === 26) view.setFloat64(0, value, little);
  else if (type === 4 || type === 8) view.setBigInt64(0, BigInt(value), little);
  else if (WIDTHS[type] === 4) view.setInt32(0, value, little);
  else if (WIDTHS[type] === 2) view.setInt16(0, value, little);
  else view.setInt8(0, value);
  return [...new Uint8Array(view.buffer)];
};

/** A segment as National Instruments describes it ("TDMS File Format Internal Structure"). */
const segment = (spec: SegmentSpec): number[] => {
  const { objects, data = [], newList = false, interleaved = false, big = false, unfinished = false } = spec;
  const u32 = (value: number) => packed(7, value, !big);
  const text = (value: string) => [...u32(new TextEncoder().encode(value).length), ...new TextEncoder().encode(value)];
  const raw = (index: Raw): number[] => {
    if (index === 'none') return u32(0xffffffff);
    if (index === 'as before') return u32(0);
    if (index === 'daqmx') return [0x69, 0x12, 0, 0];
    return [...u32(20), ...u32(index.type), ...u32(1), ...packed(8, index.count, !big)];
  };
  const property = ([key, type, value]: Property) => [
    ...text(key),
    ...u32(type),
    ...(typeof value === 'string' ? text(value) : packed(type, value, !big)),
  ];
  const metadata = objects
    ? [
        ...u32(objects.length),
        ...objects.flatMap(({ path, raw: index, properties = [] }) => [
          ...text(path),
          ...raw(index),
          ...u32(properties.length),
          ...properties.flatMap(property),
        ]),
      ]
    : [];
  const samples = data.flatMap(([type, values]) => values.flatMap((value) => packed(type, value, !big)));
  const toc = (objects ? 2 : 0) | (newList ? 4 : 0) | (data.length ? 8 : 0) | (interleaved ? 32 : 0) | (big ? 64 : 0);
  const next = unfinished ? new Array(8).fill(0xff) : packed(8, metadata.length + samples.length, !big);
  return [
    ...new TextEncoder().encode('TDSm'),
    ...packed(7, toc, true),
    ...u32(4713),
    ...next,
    ...packed(8, metadata.length, !big),
    ...metadata,
    ...samples,
  ];
};

const file = (...segments: SegmentSpec[]): Uint8Array => Uint8Array.from(segments.flatMap(segment));
const wave = (increment: number, unit?: string): Property[] => [
  ['wf_start_offset', 10, 0],
  ['wf_increment', 10, increment],
  ...(unit ? [['unit_string', 0x20, unit] as Property] : []),
];
const A = "/'rig'/'a'";
const B = "/'rig'/'b'";
const pair = (raw: Raw): ObjectSpec[] => [
  { path: '/', raw: 'none' },
  { path: "/'rig'", raw: 'none', properties: [['operator', 0x20, 'Ana']] },
  { path: A, raw, properties: wave(1 / 12000, 'g') },
  { path: B, raw, properties: wave(1 / 12000, 'g') },
];
const numbers = (bytes: Uint8Array, options = {}) =>
  readTdms(bytes, { name: 'rig.tdms', ...options }).map(({ channels, sampleRate, unit, name }) => ({
    channels: channels.map((samples) => [...samples]),
    sampleRate,
    unit,
    name,
  }));
const rig = (...channels: number[][]) => [{ channels, sampleRate: 12000, unit: 'g', name: 'rig.tdms' }];

describe('readTdms', () => {
  const raw = { type: 2, count: 2 };
  const cases: [string, Uint8Array, number[][]][] = [
    [
      'one chunk',
      file({
        objects: pair(raw),
        newList: true,
        data: [
          [2, [1, 2]],
          [2, [-3, 4]],
        ],
      }),
      [
        [1, 2],
        [-3, 4],
      ],
    ],
    [
      'three chunks in one segment',
      file({ objects: pair(raw), newList: true, data: [[2, [1, 2, 10, 20, 3, 4, 30, 40, 5, 6, 50, 60]]] }),
      [
        [1, 2, 3, 4, 5, 6],
        [10, 20, 30, 40, 50, 60],
      ],
    ],
    [
      'interleaved, of different widths',
      file({
        objects: [...pair(raw).slice(0, 3), { path: B, raw: { type: 10, count: 2 }, properties: wave(1 / 12000, 'g') }],
        newList: true,
        interleaved: true,
        data: [
          [2, [1]],
          [10, [0.5]],
          [2, [2]],
          [10, [0.25]],
          [2, [3]],
          [10, [0.125]],
          [2, [4]],
          [10, [0]],
        ],
      }),
      [
        [1, 2, 3, 4],
        [0.5, 0.25, 0.125, 0],
      ],
    ],
    [
      'a further segment without metadata',
      file({ objects: pair(raw), newList: true, data: [[2, [1, 2, 3, 4]]] }, { data: [[2, [5, 6, 7, 8]]] }),
      [
        [1, 2, 5, 6],
        [3, 4, 7, 8],
      ],
    ],
    [
      'the layout as before, the list new and in another order',
      file(
        { objects: pair(raw), newList: true, data: [[2, [1, 2, 3, 4]]] },
        {
          objects: [
            { path: B, raw: 'as before' },
            { path: A, raw: 'as before' },
          ],
          newList: true,
          data: [[2, [5, 6, 7, 8]]],
        },
      ),
      [
        [1, 2, 7, 8],
        [3, 4, 5, 6],
      ],
    ],
    [
      'one channel changed, the other kept',
      file(
        { objects: pair(raw), newList: true, data: [[2, [1, 2, 3, 4]]] },
        { objects: [{ path: B, raw: { type: 2, count: 1 } }], data: [[2, [5, 6, 7]]] },
        { objects: [{ path: A, raw: 'none' }], data: [[2, [8]]] },
      ),
      [
        [1, 2, 5, 6],
        [3, 4, 7, 8],
      ],
    ],
    [
      'big-endian',
      file({ objects: pair(raw), newList: true, big: true, data: [[2, [1, 2, -3, 4]]] }),
      [
        [1, 2],
        [-3, 4],
      ],
    ],
    [
      'the last segment unfinished, its last chunk not whole',
      file({ objects: pair(raw), newList: true, unfinished: true, data: [[2, [1, 2, 3, 4, 5, 6, 7]]] }),
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      'quotes in names',
      file({
        objects: [{ path: "/'o''x'/'a/''b'''", raw, properties: wave(1 / 12000, 'g') }],
        newList: true,
        data: [[2, [7, 8]]],
      }),
      [[7, 8]],
    ],
  ];
  it.each(cases)('reads %s', (_, bytes, channels) => {
    expect(tdmsReader.detect(bytes)).toBe(true);
    expect(numbers(bytes)).toEqual(rig(...channels));
  });

  it.each([
    [1, 'i8', [-128, 127]],
    [2, 'i16', [-32768, 32767]],
    [3, 'i32', [-(2 ** 31), 2 ** 30]],
    [4, 'i64', [-(2 ** 40), 2 ** 40]],
    [5, 'u8', [0, 255]],
    [6, 'u16', [0, 65535]],
    [7, 'u32', [0, 2 ** 31]],
    [8, 'u64', [0, 2 ** 50]],
    [9, 'f32', [-0.5, 1.5]],
    [10, 'f64', [-0.5, 1.5]],
    [26, 'f64 with unit', [-0.5, 1.5]],
  ])('reads data type %i, %s', (type, _, values) => {
    for (const big of [false, true]) {
      const objects = [{ path: A, raw: { type, count: 2 }, properties: wave(1 / 12000, 'g') }];
      expect(numbers(file({ objects, newList: true, big, data: [[type, values]] }))).toEqual(rig(values));
    }
  });

  it('keeps channels of other length or rate apart', () => {
    const objects = [
      ...pair({ type: 2, count: 1 }),
      { path: "/'slow'/'T'", raw: { type: 2, count: 1 }, properties: wave(0.1, 'K') },
    ];
    const bytes = file({ objects, newList: true, data: [[2, [1, 2, 3]]] });
    expect(numbers(bytes)).toEqual([
      { channels: [[1], [2]], sampleRate: 12000, unit: 'g', name: 'rig.tdms#rig/a' },
      { channels: [[3]], sampleRate: 10, unit: 'K', name: 'rig.tdms#slow/T' },
    ]);
    const slow = [{ channels: [[3]], sampleRate: 10, unit: 'K', name: 'rig.tdms' }];
    expect(numbers(bytes, { variable: 'slow/T' })).toEqual(slow);
    expect(numbers(bytes, { variable: 'T' })).toEqual(slow);
    expect(() => numbers(bytes, { variable: 'c' })).toThrow(/one channel c .*found rig\/a, rig\/b, slow\/T/);
  });

  it('applies a chain of linear scales', () => {
    const scale = (i: number, slope: number, intercept: number, input: number): Property[] => [
      [`NI_Scale[${i}]_Scale_Type`, 0x20, 'Linear'],
      [`NI_Scale[${i}]_Linear_Slope`, 10, slope],
      [`NI_Scale[${i}]_Linear_Y_Intercept`, 10, intercept],
      [`NI_Scale[${i}]_Linear_Input_Source`, 7, input],
    ];
    const read = (...properties: Property[]) =>
      numbers(
        file({
          objects: [{ path: A, raw, properties: [...wave(1), ...properties] }],
          newList: true,
          data: [[2, [1, 2]]],
        }),
      )[0];
    const count: Property = ['NI_Number_Of_Scales', 7, 2];
    const chain = [...scale(0, 0.5, 1, 0xffffffff), ...scale(1, 10, -3, 0)];
    expect(read(count, ...chain).channels).toEqual([[10 * 1.5 - 3, 10 * 2 - 3]]);
    expect(read(count, ...chain, ['NI_Scaling_Status', 0x20, 'scaled']).channels).toEqual([[1, 2]]);
    expect(() => read(['NI_Number_Of_Scales', 7, 1], ['NI_Scale[0]_Scale_Type', 0x20, 'Thermocouple'])).toThrow(
      /linear scale at rig\/a, found Thermocouple/,
    );
  });

  it('takes the rate from the user where the file has none', () => {
    const bytes = file({ objects: [{ path: A, raw }], newList: true, data: [[2, [1, 2]]] });
    expect(numbers(bytes, { sampleRate: 50 })[0].sampleRate).toBe(50);
    expect(() => numbers(bytes)).toThrow(/sampling rate, found no wf_increment at rig\/a \(rig\.tdms\).*--rate/);
  });

  const whole = file({ objects: pair(raw), newList: true, data: [[2, [1, 2, 3, 4]]] });
  it.each([
    [
      'DAQmx raw data',
      file({ objects: pair('daqmx'), newList: true, data: [[2, [1]]] }),
      /DAQmx raw data.*save the file again/,
    ],
    [
      'an index file',
      Uint8Array.from(whole, (byte, i) => (i === 3 ? 0x68 : byte)),
      /its index \(TDSh\).*\.tdms file beside it/,
    ],
    ['a file without samples', file({ objects: pair('none'), newList: true }), /channels with samples, found none/],
    [
      'chunks that do not fit',
      file({ objects: pair(raw), newList: true, data: [[2, [1, 2, 3]]] }),
      /chunks of 8 bytes, found 6/,
    ],
    ['a layout never given', file({ objects: pair('as before'), newList: true, data: [[2, [1]]] }), /layout of rig\/a/],
    ['rubbish behind a segment', Uint8Array.from([...whole, ...new Uint8Array(40)]), /a segment \(TDSm\), found 0x0/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => numbers(bytes)).toThrow(InputError);
    expect(() => numbers(bytes)).toThrow(message);
  });

  it('refuses a file that was cut anywhere', () => {
    for (let length = 1; length < whole.length; length++) {
      expect(() => readTdms(whole.subarray(0, length)), `${length} bytes`).toThrow(InputError);
    }
  });

  it('reads what npTDMS 1.13 wrote', () => {
    const fixture = readFileSync(new URL('../../../tests/golden/audio/pump-nptdms.tdms', import.meta.url));
    const [pump, slow, ...rest] = readTdms(new Uint8Array(fixture), { name: 'pump.tdms' });
    const index = Array.from({ length: 60 }, (_, i) => i);
    expect(pump).toEqual({
      channels: [
        Float32Array.from([...index.map((i) => i / 2), ...index.map((i) => 100 + i / 2)]),
        Float32Array.from([...index.map((i) => i * i), ...index.map((i) => 0 - i)]),
      ],
      sampleRate: 25600,
      unit: 'g',
      name: "pump.tdms#pump/bearing 'A'",
    });
    expect(slow).toEqual({
      channels: [Float32Array.from({ length: 11 }, (_, i) => 20 + i)],
      sampleRate: 10,
      unit: 'degC',
      name: 'pump.tdms#slow/temperature',
    });
    expect(rest).toEqual([]);
  });
});
