import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import {
  drawFilter,
  filterFrequencies,
  freqMixStyle,
  maskFrequencies,
  mixFrequencyStyles,
  rollSamples,
  silentValue,
  withResponse,
} from './scene-augment.ts';

const golden = readGolden('asc/data.safetensors');

const noise = (seed: string, length: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length }, () => random.gaussian());
};

/** Mean and unbiased variance of one row over channels and columns. */
function momentsOf(picture: Float32Array, shape: { channels: number; rows: number; columns: number }, row: number) {
  const values = Array.from(picture).filter((_, i) => Math.floor(i / shape.columns) % shape.rows === row);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) };
}

describe('mixFrequencyStyles', () => {
  it('is the reference', () => {
    const [x, lambda, out] = ['fms.x', 'fms.lam', 'fms.out'].map((name) => Float64Array.from(floats(golden, name)));
    const permutation = Array.from(golden.get('fms.perm')?.data as BigInt64Array, Number);
    const pictures = Array.from({ length: 4 }, (_, i) => x.subarray(60 * i, 60 * (i + 1)));
    const mixed = mixFrequencyStyles(pictures, { channels: 1, rows: 6, columns: 10 }, lambda, permutation);
    for (const [i, picture] of mixed.entries()) {
      expect(maxDifference(picture, out.subarray(60 * i, 60 * (i + 1)))).toBeLessThan(1e-12);
    }
  });

  it('gives all of a partner its style, over all channels', () => {
    const shape = { channels: 2, rows: 3, columns: 5 };
    const [own, other] = [noise('own', 30), noise('other', 30).map((value) => 4 * value + 7)];
    const [mixed, same] = mixFrequencyStyles([own, other], shape, [0, 1], [1, 0]);
    for (const row of [0, 1, 2]) {
      const [found, wanted] = [momentsOf(mixed, shape, row), momentsOf(other, shape, row)];
      expect(found.mean).toBeCloseTo(wanted.mean, 4);
      expect(found.variance).toBeCloseTo(wanted.variance, 3);
    }
    expect(maxDifference(same, other)).toBeLessThan(1e-5);
  });

  it('refuses what does not fit', () => {
    const shape = { channels: 1, rows: 3, columns: 5 };
    const pictures = [noise('a', 15), noise('b', 15)];
    expect(() => mixFrequencyStyles([noise('a', 14)], shape, [1], [0])).toThrow(
      'mixFrequencyStyles: expected pictures of 1 x 3 x 5 values, got one of 14',
    );
    expect(() => mixFrequencyStyles(pictures, shape, [1], [1, 0])).toThrow(InputError);
    expect(() => mixFrequencyStyles(pictures, shape, [1, 1], [1, 2])).toThrow('expected partners 0 to 1');
    expect(() => mixFrequencyStyles([noise('a', 3)], { channels: 1, rows: 3, columns: 1 }, [1], [0])).toThrow(
      'expected at least 2 values of every frequency',
    );
  });
});

describe('freqMixStyle', () => {
  const shape = { channels: 1, rows: 4, columns: 6 };
  const batch = ['a', 'b', 'c'].map((seed, i) => noise(seed, 24).map((value) => value + 10 * i));

  it('mixes as many batches as asked for, a whole one or none', () => {
    const outcomes = Array.from({ length: 1000 }, (_, seed) => {
      const mixed = freqMixStyle(batch, shape, {}, createRandom(seed));
      return mixed.filter((picture, i) => maxDifference(picture, batch[i]) > 1e-3).length;
    });
    const plain = outcomes.filter((changed) => changed === 0).length;
    // A coin of 0.4; of three clips all are their own partners in one order of six.
    expect(plain / 1000).toBeGreaterThan(0.6);
    expect(plain / 1000).toBeLessThan(0.73);
    expect(outcomes.some((changed) => changed === 3)).toBe(true);
    expect(batch[1][0]).toBe(noise('b', 24).map((value) => value + 10)[0]);
  });

  it('leaves the pictures alone at probability 0, in arrays of their own', () => {
    const mixed = freqMixStyle(batch, shape, { probability: 0 }, createRandom(1));
    expect(mixed).toEqual(batch);
    expect(mixed[0]).not.toBe(batch[0]);
    expect(freqMixStyle(batch, shape, { probability: 1 }, createRandom(1))).toEqual(
      freqMixStyle(batch, shape, { probability: 1 }, createRandom(1)),
    );
  });

  it('refuses what it cannot draw', () => {
    expect(() => freqMixStyle(batch, shape, { probability: 1.5 }, createRandom(1))).toThrow('from 0 to 1, got 1.5');
    expect(() => freqMixStyle(batch, shape, { alpha: 0 }, createRandom(1))).toThrow('expected alpha above 0, got 0');
    expect(() => freqMixStyle([noise('a', 23)], shape, {}, createRandom(1))).toThrow(
      /^freqMixStyle: expected pictures/,
    );
  });
});

describe('rollSamples', () => {
  it('moves by every number up to the maximum, both ways', () => {
    const samples = Float32Array.from({ length: 20 }, (_, i) => i);
    const shifts = Array.from({ length: 500 }, (_, seed) => {
      const rolled = rollSamples(samples, 3, createRandom(seed));
      const shift = rolled.indexOf(0);
      expect(Array.from(rolled)).toEqual(Array.from(rolled, (_, i) => (i - shift + 20) % 20));
      return shift > 10 ? shift - 20 : shift;
    });
    expect([...new Set(shifts)].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    expect(samples[0]).toBe(0);
  });

  it('goes round clips shorter than the maximum', () => {
    for (const seed of [1, 2, 3]) {
      const rolled = rollSamples(Float32Array.of(1, 2, 3), 1000, createRandom(seed));
      expect(Array.from(rolled).sort()).toEqual([1, 2, 3]);
    }
    expect(rollSamples(new Float32Array(0), 5, createRandom(1))).toHaveLength(0);
    expect(() => rollSamples(Float32Array.of(1), 0.5, createRandom(1))).toThrow('rollSamples: expected a whole number');
  });
});

describe('filterFrequencies', () => {
  const shape = { channels: 2, rows: 3, columns: 4 };
  const frontEnd = { floor: 1e-5, mean: -2, deviation: 3 };
  const pictureOf = (energies: Float64Array): Float32Array =>
    Float32Array.from(energies, (energy) => (Math.log(energy + 1e-5) + 2) / 3);
  const energies = Float64Array.from({ length: 24 }, (_, i) => (i % 5 === 0 ? 0 : 10 ** (i / 6 - 3)));

  it('gives the picture of the sound whose energies have the gains', () => {
    const gains = [-20, 0, 10];
    const louder = energies.map((energy, i) => energy * 10 ** (gains[Math.floor(i / 4) % 3] / 10));
    expect(
      maxDifference(filterFrequencies(pictureOf(energies), shape, gains, frontEnd), pictureOf(louder)),
    ).toBeLessThan(1e-4);
  });

  it('refuses another number of gains, and pictures of another size', () => {
    expect(() => filterFrequencies(pictureOf(energies), shape, [0, 0], frontEnd)).toThrow('a gain of each of 3 rows');
    expect(() => filterFrequencies(new Float32Array(23), shape, [0, 0, 0], frontEnd)).toThrow('expected pictures of');
  });
});

describe('drawFilter', () => {
  it('draws lines within the limit, between knots that differ', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 200 }), (seed, rows) => {
        const gains = drawFilter(rows, 12, createRandom(seed));
        expect(gains).toHaveLength(rows);
        expect(gains.every((gain) => Math.abs(gain) <= 12)).toBe(true);
      }),
    );
    const bends = Array.from({ length: 200 }, (_, seed) => {
      const gains = drawFilter(500, 12, createRandom(seed));
      const slopes = gains.subarray(1).map((gain, i) => gain - gains[i]);
      return slopes.subarray(1).filter((slope, i) => Math.abs(slope - slopes[i]) > 1e-9).length;
    });
    // A knot between two rows bends at both of them.
    expect(Math.max(...bends)).toBeLessThanOrEqual(8);
    expect(Math.min(...bends)).toBeGreaterThanOrEqual(1);
  });
});

describe('maskFrequencies', () => {
  it('sets one band of up to the share of the rows, in every channel', () => {
    const shape = { channels: 2, rows: 32, columns: 3 };
    const picture = noise('picture', 192);
    const widths = Array.from({ length: 400 }, (_, seed) => {
      const masked = maskFrequencies(picture, shape, 6 / 32, -9, createRandom(seed));
      const rows = Array.from({ length: 64 }, (_, row) =>
        [0, 1, 2].every((t) => masked[3 * row + t] === -9)
          ? 1
          : [0, 1, 2].every((t) => masked[3 * row + t] === picture[3 * row + t])
            ? 0
            : Number.NaN,
      );
      const [first, second] = [rows.slice(0, 32), rows.slice(32)];
      expect(second).toEqual(first);
      const width = first.reduce((sum: number, value) => sum + value, 0);
      if (width > 0) expect(first.lastIndexOf(1) - first.indexOf(1) + 1).toBe(width);
      return width;
    });
    expect([...new Set(widths)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('has the value that a mask before the logarithm leaves', () => {
    const frontEnd = { floor: 1e-5, mean: -4, deviation: 3 };
    expect(silentValue(frontEnd)).toBeCloseTo((Math.log(0 + 1e-5) + 4) / 3, 12);
  });

  it('refuses what is no mask', () => {
    const shape = { channels: 1, rows: 2, columns: 2 };
    expect(() => maskFrequencies(noise('a', 4), shape, 1.1, 0, createRandom(1))).toThrow('from 0 to 1, got 1.1');
    expect(() => maskFrequencies(noise('a', 4), shape, 0.5, Number.NaN, createRandom(1))).toThrow('a finite value');
    expect(() => maskFrequencies(noise('a', 5), shape, 0.5, 0, createRandom(1))).toThrow('got one of 5');
  });
});

describe('withResponse', () => {
  it('is the reference', () => {
    const [x, h, out] = ['dir.x', 'dir.h', 'dir.out'].map((name) => floats32(golden, name));
    // Of values up to 18, in float32.
    expect(maxDifference(withResponse(x, 8000, { samples: h, sampleRate: 8000 }), out)).toBeLessThan(1e-5);
  });

  it('neither moves nor scales: a late impulse delays, and its height counts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 80 }), fc.double({ min: 0.1, max: 10, noNaN: true }), (delay, height) => {
        const samples = Float32Array.from({ length: 60 }, (_, i) => i + 1);
        const response = Float32Array.from({ length: 100 }, (_, i) => (i === delay ? height : 0));
        const heard = withResponse(samples, 1000, { samples: response, sampleRate: 1000 });
        expect(heard).toHaveLength(60);
        const wanted = samples.map((_, i) => (i < delay ? 0 : Math.fround(height) * samples[i - delay]));
        expect(maxDifference(heard, wanted)).toBeLessThan(1e-4 * height);
      }),
      { numRuns: 30 },
    );
  });

  it('brings a response to the rate of the samples', () => {
    // A tone of 100 Hz through a delay of 10 ms, which the response states at 4 kHz.
    const tone = (delay: number) =>
      Float32Array.from({ length: 1000 }, (_, i) => Math.sin((2 * Math.PI * 100 * (i - delay)) / 1000));
    const response = { samples: Float32Array.from({ length: 81 }, (_, i) => (i === 40 ? 1 : 0)), sampleRate: 4000 };
    const heard = withResponse(tone(0), 1000, response).subarray(100, 900);
    expect(maxDifference(heard, tone(10).subarray(100, 900))).toBeLessThan(0.02);
  });
});
