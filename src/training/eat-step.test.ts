import { describe, expect, it } from 'vitest';
import { type GoldenTensor, readGolden } from '../../tests/golden.ts';
import { EAT_PREFIX, eatPatchTokens, eatTransformer } from '../encoders/eat-transformer.ts';
import { add } from '../graph/elementwise.ts';
import { reshape } from '../graph/reshape.ts';
import { type Feeds, float32 } from '../graph/runtime.ts';
import { slice } from '../graph/slicing.ts';
import { constant, input } from '../graph/tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { eatAdamW } from './optimiser.ts';
import { type DistilledEncoder, distillationGraph, teacherScope } from './self-distillation.ts';
import { compileStep, initialState, type TrainingState, type TrainingStep } from './step.ts';

const io = readGolden('eat_tiny/io.safetensors');
const model = readGolden('eat_tiny/model.safetensors');
const grads = readGolden('eat_tiny/grads.safetensors');
const after = readGolden('eat_tiny/after_step.safetensors');

const values = (tensor: GoldenTensor | undefined): Float32Array => (tensor as GoldenTensor).data as Float32Array;
const [B, CLONES, L, K, D, HEADS, DEPTH] = [2, 4, 64, 12, 48, 4, 3];
const N = B * CLONES;

/** [B, 1, 128, 128] as 16 x 16 patches, time-major. */
function patchesOf(spec: Float32Array): Float32Array {
  const out = new Float32Array(spec.length);
  let at = 0;
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < 8; t++) {
      for (let f = 0; f < 8; f++) {
        for (let i = 0; i < 16; i++) {
          for (let j = 0; j < 16; j++) out[at++] = spec[(b * 128 + t * 16 + i) * 128 + f * 16 + j];
        }
      }
    }
  }
  return out;
}

const positions = values(model.get(`${EAT_PREFIX}.fixed_positional_encoder.positions`)).slice(0, L * D);
const config = { width: D, depth: DEPTH, heads: HEADS };

const patches = input('patches', [B, L, 256]);

const encoder: DistilledEncoder = {
  width: D,
  tokens: (scope) => add(eatPatchTokens(scope, config, patches), constant(positions, [1, L, D])),
  blocks: (scope, tokens) => {
    const [count, length] = tokens.shape as number[];
    const { output, layers } = eatTransformer(scope, config, tokens, { length: length + 1, fusedAttention: false });
    return {
      cls: reshape(slice(output, 1, 0, 1, 1), [count, D]),
      tokens: slice(output, 1, 1, undefined, length),
      inner: layers.map(({ inner }) => inner),
    };
  },
};

/** Numbers of kept and masked cells of every student, as the graph wants them. */
function batchOf(mask: Uint8Array, noise: Float32Array): Feeds {
  const int64 = (numbers: number[]) => ({
    dtype: 'int64' as const,
    shape: [numbers.length],
    data: BigInt64Array.from(numbers, BigInt),
  });
  const cells = (wanted: number) =>
    Array.from({ length: N }, (_, n) =>
      Array.from({ length: L }, (_unused, i) => i).filter((i) => mask[n * L + i] === wanted),
    );
  const [kept, hidden] = [cells(0), cells(1)];
  const inTeacher = (lists: number[][]) =>
    int64(lists.flatMap((list, n) => list.map((i) => Math.floor(n / CLONES) * L + i)));
  const inStudent = (lists: number[][]) => int64(lists.flatMap((list, n) => list.map((i) => n * L + i)));
  return {
    patches: float32(patchesOf(values(io.get('spec'))), [B, L, 256]),
    visible: inTeacher(kept),
    places: inStudent(kept),
    masked: inStudent(hidden),
    maskedTargets: inTeacher(hidden),
    rows: int64(Array.from({ length: N }, (_, n) => Math.floor(n / CLONES))),
    noise: float32(noise, [N * L, D]),
  };
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let most = 0;
  for (let i = 0; i < b.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
};

describe('a step of EAT pre-training', () => {
  const scope = createScope();
  const shape = { sequences: B, clones: CLONES, rows: 8, columns: 8, kept: K };
  const decoder = { layers: 6, kernel: 3, groups: 4, prefix: `${EAT_PREFIX}.decoder` };
  const graph = distillationGraph(encoder, scope, teacherScope(), shape, decoder, {
    utterance: 1,
    weighting: 'reference',
  });
  const { loss, frameLoss, utteranceLoss } = graph;
  const batch = batchOf(io.get('mask')?.data as Uint8Array, values(io.get('decoder_input')));
  const sampleSize = Number((io.get('sample_size')?.data as BigInt64Array)[0]);

  function start(step: TrainingStep): TrainingState {
    const state = initialState(step, new Map(Array.from(model, ([name, tensor]) => [name, values(tensor)])));
    for (const name of step.teacherNames) state.teacher.set(name, values(model.get(`_ema.${name}`)).slice());
    return state;
  }

  it('agrees with the reference: losses, gradients, student and teacher after the update', async () => {
    const step = await compileStep({ loss, watched: { frameLoss, utteranceLoss } }, eatAdamW);
    const state = start(step);
    const { watched, gradients } = await step.gradients(state, batch);
    const relative = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);
    expect(relative(watched.frameLoss, values(io.get('loss.frame_sum'))[0] / sampleSize)).toBeLessThan(1e-5);
    expect(relative(watched.utteranceLoss * N, values(io.get('loss.cls_sum'))[0] / sampleSize)).toBeLessThan(1e-5);
    expect(relative(watched.loss, values(io.get('loss.total_over_sample_size'))[0])).toBeLessThan(1e-5);
    const peak = Math.max(
      ...Array.from(grads.values(), (tensor) => largest(values(tensor), new Float32Array(values(tensor).length))),
    );
    expect([...gradients.keys()].sort()).toEqual([...grads.keys()].sort());
    for (const [name, tensor] of grads) {
      expect(largest(gradients.get(name) as Float32Array, values(tensor)) / peak, name).toBeLessThan(1e-3);
    }
    const scalars = { learningRate: 5e-4, weightDecay: 0.05, clipNorm: 4, decay: 0.9998000019000001 };
    const exact = new Map(Array.from(grads, ([name, tensor]) => [name, values(tensor)]));
    const fromReference = start(step);
    const norm = await step.update(fromReference, exact, scalars);
    expect(relative(norm, values(io.get('grad_norm'))[0])).toBeLessThan(1e-5);
    for (const [name, data] of fromReference.parameters)
      expect(largest(data, values(after.get(name))), name).toBeLessThan(2.5e-7);
    for (const [name, data] of fromReference.teacher) {
      expect(largest(data, values(after.get(`_ema.${name}`))), name).toBeLessThan(2.5e-7);
    }

    // With our own gradients: AdamW turns the sign of a gradient into a full step, so the smallest of them, which are
    // rounding errors on both sides, are left out (biases of keys first of all, whose gradient is 0 in exact numbers).
    await step.update(state, gradients, scalars);
    for (const [name, data] of state.parameters) {
      const [golden, gradient] = [values(after.get(name)), exact.get(name) as Float32Array];
      const certain = (own: Float32Array) => own.map((value, i) => (Math.abs(gradient[i]) > 1e-4 * peak ? value : 0));
      expect(largest(certain(data), certain(golden)), name).toBeLessThan(1e-6);
      expect(largest(data, golden), name).toBeLessThan(2 * scalars.learningRate);
    }
    expect(state.step).toBe(1);
    await step.release();
  });
});
