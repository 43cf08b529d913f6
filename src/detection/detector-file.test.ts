import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addFrames } from '../encoders/frame-sums.ts';
import { readSafetensors, writeSafetensors } from '../graph/safetensors.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { type Detector, fitDetector, withThreshold } from './detector.ts';
import { DETECTOR_VERSION, readDetector, writeDetector } from './detector-file.ts';
import { createDiagnoser } from './diagnose.ts';
import { frameStatistics } from './explain.ts';
import { createScorer } from './score.ts';
import { equalBands, gaussianVector, syntheticFiles, syntheticFit } from './synthetic.test-util.ts';
import type { TransformKind } from './transform.ts';

const normal = syntheticFiles('normal ä/"1"\\', 6, { columns: 8, segmentsPerFile: 2 });
const random = createRandom('frames');
const statistics = frameStatistics(
  addFrames(undefined, {
    values: gaussianVector(random, 30),
    count: 10,
    width: 3,
    starts: new Float64Array(10),
    seconds: 1,
    bands: equalBands(3, 3),
  }),
);

const transforms: TransformKind[] = ['none', 'centre', 'standardise', 'whiten'];
const fits: [string, Promise<Detector>][] = [
  ...transforms.flatMap((transform): [string, Promise<Detector>][] =>
    (['cosine', 'euclidean'] as const).map((metric) => [
      `${metric}, ${transform}`,
      fitDetector(syntheticFit(normal, { metric, transform, k: 2, aggregation: 'max' })),
    ]),
  ),
  ['frame statistics', fitDetector({ ...syntheticFit(normal), frameStatistics: statistics })],
  [
    'domains',
    fitDetector(
      syntheticFit([...normal, ...syntheticFiles('there', 4, { columns: 8, domain: 'target', deviation: 2 })]),
    ),
  ],
  [
    'labels',
    fitDetector(syntheticFit([...normal, ...syntheticFiles('worn', 4, { columns: 8, label: 'worn', centre: 6 })])),
  ],
  ['labelled faults alone', fitDetector(syntheticFit(syntheticFiles('worn', 4, { columns: 8, label: 'worn' })))],
  [
    'recordings that are all the same',
    fitDetector(syntheticFit(normal.map(({ entry }) => ({ entry, vector: new Float32Array(8).fill(3) })))),
  ],
  [
    'a threshold by hand',
    fitDetector(syntheticFit(normal)).then((fitted) => withThreshold(fitted, { threshold: Math.PI })),
  ],
  [
    'whole recordings, all channels',
    fitDetector({
      ...syntheticFit(normal),
      signal: { sampleRate: 97656.25, channel: 'all', segmentSeconds: null },
    }),
  ],
];

describe.each(fits)('a detector file: %s', (_, fitted) => {
  it('comes back as it was, and makes the same bytes again', async () => {
    const detector = await fitted;
    const bytes = await writeDetector(detector);
    const read = await readDetector(bytes);
    expect(read).toEqual(detector);
    expect(await writeDetector(read)).toEqual(bytes);
  });

  it('judges as before', async () => {
    const detector = await fitted;
    const read = await readDetector(await writeDetector(detector));
    const asked = [gaussianVector(createRandom('asked'), 8), detector.bank.values.slice(0, 8)];
    for (const vector of asked) {
      if (detector.calibration) {
        expect(await createScorer(read).score([vector])).toEqual(await createScorer(detector).score([vector]));
      }
      if (detector.labelledCalibration) {
        expect(await createDiagnoser(read)([vector])).toEqual(await createDiagnoser(detector)([vector]));
      }
    }
  });

  it('holds settings as JSON, and numbers; no code', async () => {
    const { tensors, metadata } = readSafetensors(await writeDetector(await fitted));
    expect(Object.keys(metadata).sort()).toEqual(['sha256', 'thrum']);
    expect(JSON.parse(metadata.thrum)).toMatchObject({ format: 'thrum-detector', version: DETECTOR_VERSION });
    for (const { dtype } of tensors.values()) expect(['F32', 'F64']).toContain(dtype);
  });

  it('refuses any flipped byte', async () => {
    const bytes = await writeDetector(await fitted);
    const headerEnd = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const place = fc.oneof(fc.nat(bytes.length - 1), fc.nat(headerEnd - 1));
    await fc.assert(
      fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const damaged = bytes.slice();
        damaged[at] ^= flip;
        // Another kind of white space behind the header changes nothing.
        const padding = at < headerEnd && at >= headerEnd - 8 && bytes[at] === 0x20;
        if (padding && [0x09, 0x0a, 0x0d].includes(damaged[at])) return;
        await expect(readDetector(damaged)).rejects.toBeInstanceOf(InputError);
      }),
      { numRuns: 300 },
    );
  });
});

describe('damage that the checksum alone does not see', () => {
  const fitted = fitDetector({ ...syntheticFit(normal, { transform: 'whiten' }), frameStatistics: statistics });

  it('is refused: a letter of a tensor type', async () => {
    const bytes = await writeDetector(await fitted);
    const text = new TextDecoder('latin1').decode(bytes);
    const types = [...text.matchAll(/"dtype":"F/g)].map(({ index }) => index + 9);
    expect(types.length).toBeGreaterThan(8);
    for (const at of types) {
      const damaged = bytes.slice();
      damaged[at] = 'I'.charCodeAt(0);
      await expect(readDetector(damaged, 'pump.thrum')).rejects.toThrow(
        /pump\.thrum: expected \S+ as F\d\d \[.*\], found I\d\d \[.*\]; the file is damaged/,
      );
    }
  });

  it.each([
    'bank',
    'transform.mean',
    'transform.directions',
    'transform.gains',
    'bands.mean',
    'bands.deviation',
    'frames.deviation',
  ])('is refused: another shape of %s', async (key) => {
    const { tensors, metadata } = readSafetensors(await writeDetector(await fitted));
    const { dtype, shape, data } = tensors.get(key) as StoredTensor;
    const changed = new Map(tensors).set(key, { dtype, shape: [1, ...shape], data });
    await expect(readDetector(writeSafetensors(changed, metadata))).rejects.toThrow(`expected ${key} as ${dtype}`);
  });
});

describe('bad input', () => {
  const fitted = fitDetector(syntheticFit(normal, { transform: 'standardise' }));

  /** The file with its JSON settings or tensors changed, and a checksum that fits. */
  const changed = async (
    change: (settings: Record<string, unknown>, tensors: Map<string, StoredTensor>) => void,
  ): Promise<Uint8Array> => {
    const { tensors, metadata } = readSafetensors(await writeDetector(await fitted));
    const settings: Record<string, unknown> = JSON.parse(metadata.thrum);
    change(settings, tensors);
    const json = JSON.stringify(settings);
    const parts: Uint8Array[] = [new TextEncoder().encode(json)];
    for (const key of [...tensors.keys()].sort()) {
      const { data } = tensors.get(key) as StoredTensor;
      parts.push(new TextEncoder().encode(key), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    const digest = await crypto.subtle.digest('SHA-256', await new Blob(parts as BlobPart[]).arrayBuffer());
    const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
    return writeSafetensors(tensors, { thrum: json, sha256 });
  };

  it('is read where nothing was changed', async () => {
    expect(await readDetector(await changed(() => {}))).toEqual(await fitted);
  });

  it.each([
    [
      'a newer version',
      (s: Record<string, unknown>) => (s.version = DETECTOR_VERSION + 1),
      /x\.thrum has version 2, this Thrum reads up to 1; update Thrum/,
    ],
    [
      'no version',
      (s: Record<string, unknown>) => delete s.version,
      /x\.thrum: settings\.version: .*; the file is damaged/,
    ],
    ['another format', (s: Record<string, unknown>) => (s.format = 'x'), /settings\.format: /],
    [
      'an unknown metric',
      (s: Record<string, unknown>) => Object.assign(s.settings ?? {}, { metric: 'taxi' }),
      /settings\.settings\.metric: /,
    ],
    [
      'a rate of 0',
      (s: Record<string, unknown>) => Object.assign(s.signal ?? {}, { sampleRate: 0 }),
      /settings\.signal\.sampleRate: /,
    ],
    [
      'fewer entries than rows',
      (s: Record<string, unknown>) => (s.entries = (s.entries as unknown[]).slice(1)),
      /expected bank as F32 \[11, any\], found F32 \[12, 8\]/,
    ],
    [
      'a band beyond the embedding',
      (s: Record<string, unknown>) =>
        (s.bands = [{ lowHz: 0, highHz: 1, start: 0, end: 9 }, ...(s.bands as unknown[]).slice(1)]),
      /a band lies beyond the embedding/,
    ],
    ['no bank', (_: unknown, t: Map<string, StoredTensor>) => t.delete('bank'), /it has no bank/],
    [
      'no scale',
      (_: unknown, t: Map<string, StoredTensor>) => t.delete('transform.scale'),
      /it lacks transform\.scale/,
    ],
  ])('is refused: %s', async (_, change, message) => {
    const bytes = await changed(change);
    await expect(readDetector(bytes, 'x.thrum')).rejects.toThrow(message);
    await expect(readDetector(bytes, 'x.thrum')).rejects.toBeInstanceOf(InputError);
  });

  it('is refused: other files', async () => {
    const other = writeSafetensors(new Map([['a', { dtype: 'F32' as const, shape: [1], data: Float32Array.of(1) }]]));
    await expect(readDetector(other, 'weights.safetensors')).rejects.toThrow(
      'weights.safetensors is a safetensors file, but not a Thrum detector; make one with `thrum fit`',
    );
    const broken = writeSafetensors(new Map(), { thrum: '{"version":', sha256: '' });
    await expect(readDetector(broken, 'x')).rejects.toThrow(/^readDetector: x: settings: .*damaged/);
    for (const bytes of [new Uint8Array(0), new TextEncoder().encode('RIFF....WAVEfmt and so on')]) {
      await expect(readDetector(bytes)).rejects.toBeInstanceOf(InputError);
    }
  });

  it('is refused: a file that ends early, or late', async () => {
    const bytes = await writeDetector(await fitted);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        await expect(readDetector(bytes.slice(0, length))).rejects.toBeInstanceOf(InputError);
      }),
      { numRuns: 60 },
    );
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    await expect(readDetector(longer)).rejects.toThrow(/1 more bytes/);
  });
});
