// Ranges of layers over clips.
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import { calibrate } from './calibrate.ts';
import { planBuilder } from './plan-builder.ts';

const builder = planBuilder([1, 1, 3]);
builder.conv(0, 'a', { channels: 2, activation: 'relu' });
builder.mean(1);
const plan = builder.done();
const folded = new Map([
  ['a.weight', Float32Array.of(2, -1)],
  ['a.bias', Float32Array.of(0, 0.5)],
]);
const runtime = { threads: 1 };

describe('calibrate', () => {
  it('finds the smallest and largest output of every layer over batches of any size', async () => {
    const batches = [Float32Array.of(0, 1, 2), Float32Array.of(-1, 0, 0, 1, 1, 4)];
    const ranges = await calibrate(plan, folded, batches, runtime);
    const means = [2, 0.5 / 3, 0, 2.5 / 3, 4, 0];
    const expected = [-1, 4, 0, 8, Math.min(...means), Math.max(...means)];
    expect(maxDifference(ranges.flat(), expected)).toBeLessThan(1e-6);
  });

  it.each([
    ['no clips', [], 'calibrate: expected clips, got none; give some'],
    ['parts of clips', [new Float32Array(4)], 'calibrate: expected whole clips of 3 values, got 4 values'],
    [
      'what is not a number',
      [Float32Array.of(0, Number.NaN, 0)],
      'calibrate: expected finite values, found others in a clip; look at its spectrogram',
    ],
    [
      'outputs beyond float32',
      [Float32Array.of(3e38, 3e38, 3e38)],
      'calibrate: expected finite outputs of layer 1, got 0 to Infinity',
    ],
  ])('refuses %s', async (_, batches, message) => {
    await expect(calibrate(plan, folded, batches, runtime)).rejects.toThrow(message);
    await expect(calibrate(plan, folded, batches, runtime)).rejects.toThrow(InputError);
  });
});
