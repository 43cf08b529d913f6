import { describe, expect, it } from 'vitest';
import { writeDetector } from '../../detection/detector-file.ts';
import { preparedBytes } from '../../detection/shards.node.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { simulate } from '../../signal/simulate/index.ts';
import { createInlinePool } from './inline.test-util.ts';
import { createPrepared } from './prepared.node.ts';

const soundOf = (seed: number) => {
  const { recording } = simulate({ machine: 'pump', sampleRate: 2000, seconds: 0.25, seed });
  return { kind: 'bytes', bytes: writeWav(recording, { bits: 'float32' }), name: `${seed}` } as const;
};

describe('createPrepared', () => {
  it('keeps the detectors used last, within the bytes of a thread', async () => {
    const pool = createInlinePool();
    const fitted = await Promise.all(
      [4, 6, 8].map(async (count) => {
        const seeds = Array.from({ length: count }, (_, i) => 10 * count + i);
        const { detector } = await pool.fit({
          sounds: seeds.map(soundOf),
          names: seeds.map(String),
          encoder: 'spectral',
          segmentSeconds: null,
          channel: 0,
          settings: {},
        });
        const bytes = await writeDetector(detector);
        return { shared: { key: String(count), bytes }, takes: preparedBytes(detector, bytes.length) };
      }),
    );
    const [small, middle, large] = fitted;
    const detectorBytes = small.takes + large.takes;
    const prepared = createPrepared({ folder: '.', anywhere: false, detectorBytes });
    const first = await prepared.detector(small.shared);
    await prepared.detector(middle.shared);
    expect(prepared.held()).toBe(small.takes + middle.takes);
    expect(await prepared.detector(small.shared)).toBe(first);
    await prepared.detector(large.shared);
    expect(prepared.held()).toBe(detectorBytes);
    expect(await prepared.detector(small.shared)).toBe(first);
    await prepared.detector(middle.shared);
    expect(prepared.held()).toBeLessThanOrEqual(detectorBytes);
  });
});
