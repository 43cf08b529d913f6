import { describe, expect, it } from 'vitest';
import { type GoldenTensor, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { EAT_PREFIX } from '../encoders/eat-transformer.ts';
import { FISHER_POSITION_GRID } from '../encoders/fisher.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { gridPositions } from '../nn/positions.ts';
import { distilledEat, maskFeeds } from './distilled.ts';
import { eatAdamW } from './optimiser.ts';
import { distillationGraph, teacherScope } from './self-distillation.ts';
import { compileStep, initialState, type TrainingState, type TrainingStep } from './step.ts';

const io = readGolden('eat_tiny/io.safetensors');
const model = readGolden('eat_tiny/model.safetensors');
const grads = readGolden('eat_tiny/grads.safetensors');
const after = readGolden('eat_tiny/after_step.safetensors');

const values = (tensor: GoldenTensor | undefined): Float32Array => (tensor as GoldenTensor).data as Float32Array;
const [B, CLONES, L, K, D, HEADS, DEPTH] = [2, 4, 64, 12, 48, 4, 3];
const N = B * CLONES;

/** Images [count, 1, 16 rows, width] as 16 x 16 patches, time-major; bins beyond the last whole patch are dropped. */
function patchesOf(images: Float32Array, count: number, rows: number, width: number): Float32Array {
  const columns = Math.floor(width / 16);
  const out = new Float32Array(count * rows * columns * 256);
  let at = 0;
  for (let b = 0; b < count; b++) {
    for (let t = 0; t < rows; t++) {
      for (let f = 0; f < columns; f++) {
        for (let i = 0; i < 16; i++) {
          for (let j = 0; j < 16; j++) out[at++] = images[((b * rows + t) * 16 + i) * width + f * 16 + j];
        }
      }
    }
  }
  return out;
}

const positions = values(model.get(`${EAT_PREFIX}.fixed_positional_encoder.positions`)).slice(0, L * D);

/** Cells that every student keeps. */
const keptOf = (mask: Uint8Array, students: number, length: number) =>
  Array.from({ length: students }, (_, n) =>
    Int32Array.from(Array.from({ length }, (_unused, i) => i).filter((i) => mask[n * length + i] === 0)),
  );

const largest = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let most = 0;
  for (let i = 0; i < b.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
};

describe('a step of EAT pre-training', () => {
  const scope = createScope();
  const shape = { sequences: B, clones: CLONES, rows: 8, columns: 8, kept: K };
  const decoder = { layers: 6, kernel: 3, groups: 4, prefix: `${EAT_PREFIX}.decoder` };
  const encoder = distilledEat({ width: D, depth: DEPTH, heads: HEADS }, shape, positions);
  const graph = distillationGraph(encoder, scope, teacherScope(), shape, decoder, {
    utterance: 1,
    weighting: 'reference',
  });
  const { loss, frameLoss, utteranceLoss } = graph;
  const batch = {
    patches: float32(patchesOf(values(io.get('spec')), B, 8, 128), [B, L, 256]),
    noise: float32(values(io.get('decoder_input')), [N * L, D]),
    ...maskFeeds(keptOf(io.get('mask')?.data as Uint8Array, N, L), shape),
  };
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
    const norm = await step.update(fromReference, [exact], scalars);
    expect(relative(norm, values(io.get('grad_norm'))[0])).toBeLessThan(1e-5);
    for (const [name, data] of fromReference.parameters)
      expect(largest(data, values(after.get(name))), name).toBeLessThan(2.5e-7);
    for (const [name, data] of fromReference.teacher) {
      expect(largest(data, values(after.get(`_ema.${name}`))), name).toBeLessThan(2.5e-7);
    }

    // With our own gradients: AdamW turns the sign of a gradient into a full step, so the smallest of them, which are
    // rounding errors on both sides, are left out (biases of keys first of all, whose gradient is 0 in exact numbers).
    await step.update(state, [gradients], scalars);
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

describe('a step of FISHER pre-training', () => {
  const step = readGolden('fisher/pretrain_step.safetensors');
  const weights = readGolden('fisher/weights.safetensors');
  const shape = { sequences: 4, clones: 3, rows: 8, columns: 6, kept: 9 };
  const students = 12;
  const length = 48;
  const width = 64;

  it('agrees with the reconstructed reference: targets, decoder, losses and gradients', async () => {
    const positions = gridPositions(...FISHER_POSITION_GRID, width).slice(0, length * width);
    const encoder = distilledEat({ width, depth: 2, heads: 2 }, shape, positions);
    const decoder = { layers: 2, kernel: 3, groups: 16, prefix: 'decoder' };
    const weighting = { utterance: 1, weighting: 'reference' } as const;
    const graph = distillationGraph(encoder, createScope(), teacherScope(), shape, decoder, weighting);
    const { loss, frameLoss, utteranceLoss, inner } = graph;
    const batch = {
      patches: float32(patchesOf(values(step.get('subbands')), 4, 8, 100), [4, length, 256]),
      noise: float32(values(step.get('noise_full_grid')), [students * length, width]),
      ...maskFeeds(keptOf(step.get('mask')?.data as Uint8Array, students, length), shape),
    };
    const program = await compileStep({ loss, watched: { frameLoss, utteranceLoss } }, eatAdamW);
    const own = (name: string) => values(name.startsWith('decoder.') ? step.get(name) : weights.get(name));
    const state = initialState(program, new Map(Array.from(program.shapes.keys(), (name) => [name, own(name)])));
    for (const name of program.teacherNames) state.teacher.set(name, values(step.get(`teacher.${name}`)));
    const { watched, gradients } = await program.gradients(state, batch);
    expect(watched.frameLoss).toBeCloseTo(17.228077423878204, 4);
    expect(watched.utteranceLoss * students).toBeCloseTo(93.29954528808594, 3);
    expect(Math.abs(watched.loss / 110.52759552001953 - 1)).toBeLessThan(1e-5);
    const reference = new Map(
      [...step]
        .filter(([name]) => name.startsWith('grad.'))
        .map(([name, tensor]) => [name.replace(/^grad\.(student\.)?/, ''), values(tensor)]),
    );
    expect([...gradients.keys()].sort()).toEqual([...reference.keys()].sort());
    const peak = Math.max(...Array.from(reference.values(), (g) => largest(g, new Float32Array(g.length))));
    for (const [name, golden] of reference) {
      expect(largest(gradients.get(name) as Float32Array, golden) / peak, name).toBeLessThan(1e-3);
    }
    const stored = (name: string, data: Float32Array): [string, StoredTensor] => [
      name,
      { dtype: 'F32', shape: [...(program.shapes.get(name.replace('teacher.', '')) as number[])], data },
    ];
    const found = await runGraph(
      { targets: inner.targets, prediction: inner.prediction, cls: inner.studentCls },
      new Map([
        ...Array.from(state.parameters, ([name, data]) => stored(name, data)),
        ...Array.from(state.teacher, ([name, data]) => stored(`teacher.${name}`, data)),
      ]),
      batch,
    );
    expect(largest(found.targets, values(step.get('teacher_target')))).toBeLessThan(1e-4);
    expect(largest(found.prediction, values(step.get('decoder_out')))).toBeLessThan(1e-4);
    expect(largest(found.cls, values(step.get('student_tokens_out_cls')))).toBeLessThan(1e-4);
    await program.release();
  });
});
