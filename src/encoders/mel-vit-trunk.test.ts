import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { mul } from '../graph/elementwise.ts';
import { gradients } from '../graph/gradients.ts';
import { reduceMean } from '../graph/reduce.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { norm } from '../nn/transformer.ts';
import { buildEncoder, parameterShapes } from './build.ts';
import { melDb, normaliseMel } from './mel-db.ts';
import { models, small } from './mel-vit.test-util.ts';
import { noise, recordingOf } from './sounds.test-util.ts';
import type { Trunk } from './trunk.ts';

describe.each(models)('the trunk of %s', (_, vit, own) => {
  const { architecture, weights } = small(vit, own);
  const trunk = architecture.trunk as Trunk;
  const samples = 12_000;
  const crops = [noise(samples, 'a'), noise(samples, 'b', 0.2)];
  const features = crops.map((crop) => trunk.features(crop, 16_000));
  const feeds = trunk.feeds(features, 16_000);
  const tokens = (64 / vit.patchMels) * Math.floor(76 / vit.patchFrames);

  it('hears what the encoder hears', async () => {
    expect(features[0]).toMatchObject({ frames: 76, bins: 64 });
    expect(features[0].values).toEqual(normaliseMel(melDb([crops[0]])[0], weights));
    expect([trunk.width, trunk.states, trunk.sampleRate]).toEqual([32, 3, 16_000]);
    const encoder = await buildEncoder('encoder', architecture, weights);
    const expected = await encoder.embedMany(crops.map((crop) => recordingOf(crop)));
    for (const count of [2, 'count']) {
      const scope = createScope();
      const { states, cls } = trunk.graph(scope, { count, samples, sampleRate: 16_000 });
      expect([states.length, cls]).toEqual([3, 0]);
      for (const state of states) expect(state.shape).toEqual([count, tokens, 32]);
      const mean = reduceMean(norm(scope, 'norm', states[2], 1e-6), [1]);
      const found = await runGraph({ mean }, weights, feeds);
      const vectors = expected.flatMap(({ vector }) => [...vector]);
      expect(maxDifference(found.mean, vectors)).toBeLessThan(1e-5);
    }
    await encoder.release();
  });

  it('passes branches by their blocks', () => {
    const seen: number[] = [];
    trunk.graph(
      createScope(),
      { count: 2, samples, sampleRate: 16_000 },
      {
        branch: (branch, block) => {
          seen.push(block);
          return branch;
        },
      },
    );
    expect(seen).toEqual([0, 0, 1, 1]);
  });

  it('has gradients for all its parameters, of the size of finite differences', async () => {
    const scope = createScope();
    const { states } = trunk.graph(scope, { count: 2, samples, sampleRate: 16_000 });
    const loss = reduceMean(mul(states[2], states[2]));
    const names = [...parametersOf([loss]).keys()];
    expect(names).toContain('time_pos_embed');
    const outside = [...parameterShapes(architecture).keys()].filter((name) => !names.includes(name));
    expect(outside.filter((name) => !/^(norm|init_bn\.1)\./.test(name))).toEqual([]);
    const shapes = parametersOf([loss]);
    const wanted = gradients(
      loss,
      names.map((name) => scope(name, shapes.get(name) as number[])),
    );
    const outputs = Object.fromEntries(names.map((name, i) => [`d ${name}`, wanted[i]]));
    const found = await runGraph({ loss, ...outputs }, weights, feeds);
    // Every tensor by itself, along the direction of its gradient.
    for (const name of ['time_pos_embed', 'freq_pos_embed', 'patch_embed.proj.weight', 'blocks.0.norm1.weight']) {
      const gradient = found[`d ${name}`];
      const length = Math.hypot(...gradient);
      const step = 0.02;
      const moved = async (sign: number) => {
        const values = toFloat32(weights.get(name) as StoredTensor);
        const data = values.map((value, i) => value + (sign * step * gradient[i]) / length);
        const tensor = { ...(weights.get(name) as StoredTensor), data };
        return (await runGraph({ loss }, new Map(weights).set(name, tensor), feeds)).loss[0];
      };
      const slope = ((await moved(1)) - (await moved(-1))) / (2 * step);
      expect(length).toBeGreaterThan(1e-4);
      expect([name, Math.abs(slope / length - 1) < 0.02]).toEqual([name, true]);
    }
  });

  it('refuses crops that are too short, longer than a chunk, of another rate, or not finite', () => {
    const least = trunk.leastSamples(16_000);
    expect(least).toBe((vit.patchFrames - 1) * 160);
    expect(trunk.features(noise(least, 'least'), 16_000).frames).toBe(vit.patchFrames);
    expect(() => trunk.features(noise(least - 1, 'least'), 16_000)).toThrow(`expected at least ${least} samples`);
    expect(trunk.features(noise(15_999, 'most'), 16_000).frames).toBe(100);
    const most = `${vit.family}: expected crops of at most 15999 samples (1 s, 100 frames), got 16000; cut shorter crops`;
    expect(() => trunk.features(noise(16_000, 'most'), 16_000)).toThrow(most);
    expect(() => trunk.graph(createScope(), { count: 1, samples: 16_000, sampleRate: 16_000 })).toThrow(most);
    expect(() => trunk.features(noise(samples, 'rate'), 44_100)).toThrow(/expected crops at 16000 Hz, got 44100 Hz/);
    expect(() => trunk.features(noise(samples, 'nan').fill(Number.NaN, 5, 6), 16_000)).toThrow(/expected finite/);
  });
});
