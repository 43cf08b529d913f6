import { describe, expect, it } from 'vitest';
import { autoencoderLogMel, stackFrames } from '../../signal/log-mel.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { cutWindows, levelsOf, trainingWindows, type WindowShape, windowsByRecording } from './windows.ts';

const random = createRandom('windows');
const noise = (length: number) => Float32Array.from({ length }, () => random.gaussian());
const five: WindowShape = { frames: 5, hop: 1, padding: 'constant' };

describe('cutWindows', () => {
  it('has the inputs of the baseline, recording after recording', () => {
    const [a, b] = [noise(4000), noise(2048)];
    const windows = cutWindows([levelsOf('test', a, 16000, five), levelsOf('test', b, 16000, five)], five);
    const stacked = [a, b].map((samples) => stackFrames(autoencoderLogMel(samples), 5));
    expect(stacked.map(({ rows }) => rows)).toEqual([4, 1]);
    expect(windows.count).toBe(5);
    expect([...windows.recordingOf]).toEqual([0, 0, 0, 0, 1]);
    expect(windows.gather([0, 1, 2, 3])).toEqual(stacked[0].values);
    expect(windows.gather([4])).toEqual(stacked[1].values);
    expect(windows.gather([4, 2])).toEqual(Float32Array.of(...windows.gather([4]), ...windows.gather([2])));
    expect(windowsByRecording(windows).map((numbers) => [...numbers])).toEqual([[0, 1, 2, 3], [4]]);
  });

  it('leaves frames between windows', () => {
    const shape: WindowShape = { frames: 6, hop: 3, padding: 'reflect' };
    const levels = levelsOf('test', Float64Array.from(noise(512 * 12)), 16000, shape); // 13 frames
    const windows = cutWindows([levels], shape);
    expect(windows.count).toBe(3);
    expect(windows.gather([2])).toEqual(levels.values.subarray(6 * 128, 12 * 128));
  });

  it('gives 309 inputs for 10 s, and 32 images', () => {
    const count = (shape: WindowShape) => cutWindows([levelsOf('test', noise(160000), 16000, shape)], shape).count;
    expect([count(five), count({ frames: 64, hop: 8, padding: 'reflect' })]).toEqual([309, 32]);
  });
});

describe('bad recordings', () => {
  const clip = (samples: Float32Array, sampleRate = 16000, name?: string) => ({ samples, sampleRate, name });
  const broken = noise(4000);
  broken[7] = Number.NaN;

  it.each([
    [
      'too short',
      [clip(noise(4000)), clip(noise(2047))],
      'train: recording 1: expected at least 2048 samples (5 frames), got 2047; give a longer recording',
    ],
    [
      'not finite',
      [clip(broken, 16000, 'a.wav'), clip(noise(4000))],
      'train: a.wav: expected finite samples, got NaN at sample 7',
    ],
    [
      'of two rates',
      [clip(noise(4000)), clip(noise(4000), 8000)],
      'train: recording 1: expected 16000 Hz as the first has, got 8000 Hz',
    ],
    ['one', [clip(noise(4000))], 'train: expected at least 2 recordings, got 1'],
    ['none', [], 'train: expected at least 2 recordings, got 0'],
  ])('%s', (_, clips, message) => {
    expect(() => trainingWindows('train', clips, five)).toThrow(message);
  });
});
