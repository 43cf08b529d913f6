// Teachers of distillation: their tokens over time, and the answers of a fine-tuned one.
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../tests/graph-oracle/evaluate.ts';
import { buildEncoder, randomWeights } from '../../encoders/build.ts';
import { studentArchitecture } from '../../encoders/student-family.ts';
import { studentPictures } from '../../encoders/student-input.ts';
import { tinyEncoder, tinyNames } from '../../encoders/tiny-encoders.test-util.ts';
import { toOnnx } from '../../graph/onnx.ts';
import { loadProgram } from '../../graph/program.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { constant } from '../../graph/tensor.ts';
import { createScope } from '../../nn/parameters.ts';
import { InputError } from '../../signal/errors.ts';
import { tunedExample } from '../tuned.test-util.ts';
import { tinyBandStudent, tinyStudent } from './distil.test-util.ts';
import { distilTeacher, ensembleTeacher, tokensOverTime } from './distil-teacher.ts';
import { CROP, cropsFrom, RATE } from './tune.test-util.ts';

describe('tokensOverTime', () => {
  it('averages the tokens of each step, and leaves class tokens out', () => {
    // Two bands of three steps of two tokens each, behind two class tokens; one number per token.
    const tokens = [99, 98, ...[1, 3, 5, 7, 9, 11], ...[2, 4, 6, 8, 10, 12]];
    const state = constant(tokens, [1, 14, 1], 'float64');
    const found = evaluate([tokensOverTime(state, { cls: 2, grid: [2, 3, 2] })], new Map())[0];
    expect(found.shape).toEqual([1, 3, 1]);
    expect([...found.data]).toEqual([(1 + 3 + 2 + 4) / 4, (5 + 7 + 6 + 8) / 4, (9 + 11 + 10 + 12) / 4]);
  });

  it.each(tinyNames)('has steps of the length of the crop in %s', (name) => {
    const { trunk } = tinyEncoder(name);
    const steps = (samples: number): number => {
      const hidden = trunk.graph(createScope(), { count: 2, samples, sampleRate: RATE }, { fusedAttention: false });
      const [, length] = hidden.states[0].shape as number[];
      const { grid = [1, length - hidden.cls, 1] } = hidden;
      expect(grid.reduce((product, size) => product * size, 1)).toBe(length - hidden.cls);
      return tokensOverTime(hidden.states[0], hidden).shape[1] as number;
    };
    // Rows of patches grow with time, and rows of frequency or bands do not. AudioMAE always hears one length.
    const [short, long] = [steps(8000), steps(15_000)];
    if (name === 'audiomae') expect(long).toBe(short);
    else expect(long / short).toBeCloseTo(15 / 8, 0);
  });
});

/** Values of tensors for crops that a teacher hears. */
async function heard(tensors: Record<string, Tensor>, teacher: ReturnType<typeof distilTeacher>, count: number) {
  const program = await loadProgram(toOnnx({ outputs: tensors, constants: teacher.weights }).bytes);
  const results = await program.run(
    teacher.feeds(
      cropsFrom(0, count).map(({ samples }) => samples),
      RATE,
    ),
  );
  await program.release();
  return Object.fromEntries(Object.entries(results).map(([key, { data }]) => [key, data as Float32Array]));
}

describe('a fine-tuned teacher', () => {
  const example = tunedExample('echo', {
    ...{ sampleRate: RATE, cropSamples: CROP, hopSamples: CROP, mix: true, pooling: 'mean' },
    labels: { names: ['high', 'low', 'other', 'middle'], several: false },
  });
  const weights = new Map(
    Array.from(example.values, ([name, data]) => [name, { dtype: 'F32' as const, shape: [data.length], data }]),
  );
  // Shapes are those of the architecture.
  for (const [name, tensor] of example.base.weights) weights.set(`trunk.${name}`, tensor as never);
  const base = { id: 'tuned', architecture: example.architecture, weights };

  it('answers in the order of the classes, others left out', async () => {
    const crops = { count: 2, samples: CROP, sampleRate: RATE };
    const teacher = distilTeacher(base, ['low', 'middle', 'high']);
    expect([teacher.classifies, teacher.sampleRate]).toEqual([true, RATE]);
    const { logits, states } = teacher.graph(createScope(), crops);
    const all = distilTeacher(base, ['high', 'low', 'other', 'middle']).graph(createScope(), crops).logits as Tensor;
    const found = await heard({ logits: logits as Tensor }, teacher, 2);
    const whole = await heard({ logits: all }, teacher, 2);
    const expected = [0, 4].flatMap((row) => [1, 3, 0].map((place) => whole.logits[row + place]));
    expect([...found.logits]).toEqual(expected);
    expect(states).toHaveLength(3);
  });

  it('that lacks a class answers nothing, and still has layers', () => {
    const teacher = distilTeacher(base, ['low', 'unheard']);
    expect(teacher.classifies).toBe(false);
    const { logits, states } = teacher.graph(createScope(), { count: 1, samples: CROP, sampleRate: RATE });
    expect([logits, states.length]).toEqual([undefined, 3]);
  });
});

describe("a teacher of the students' family", () => {
  const architecture = studentArchitecture(tinyStudent);
  const weights = randomWeights(architecture, 5);
  const base = { id: 'wide', architecture, weights };

  it('answers as the network itself does, in the order of the classes, and has its stages over time', async () => {
    const teacher = distilTeacher(base, ['high', 'low']);
    expect([teacher.classifies, teacher.sampleRate]).toEqual([true, 16_000]);
    const { logits, states, cls } = teacher.graph(createScope(), { count: 2, samples: 4800, sampleRate: 16_000 });
    expect(cls).toBe(0);
    expect(states.map(({ shape }) => shape)).toEqual([
      [2, 11, 8],
      [2, 11, 8],
      [2, 6, 16],
      [2, 6, 24],
    ]);
    const crops = cropsFrom(0, 2).map(({ samples }) => samples.subarray(0, 4800));
    const program = await loadProgram(
      toOnnx({ outputs: { logits: logits as Tensor, first: states[0] }, constants: teacher.weights }).bytes,
    );
    const found = await program.run(teacher.feeds(crops, 16_000));
    const encoder = await buildEncoder('wide', architecture, weights);
    const [one, two] = await encoder.embedMany(
      crops.map((samples) => ({ channels: [samples], sampleRate: 16_000, name: 'crop' })),
    );
    const own = [one, two].flatMap(({ logits: all }) => [all?.[2], all?.[0]]) as number[];
    for (const [i, value] of [...(found.logits.data as Float32Array)].entries()) expect(value).toBeCloseTo(own[i], 5);
    expect(new Set(own).size).toBe(4);
  });

  it('hears what the student hears of a crop', () => {
    const teacher = distilTeacher(base, ['low', 'high']);
    const [{ samples }] = cropsFrom(1, 1);
    const heard = Object.values(teacher.feeds([samples.subarray(0, 4800)], 16_000));
    const { values } = studentPictures(samples.subarray(0, 4800), 16_000, tinyStudent);
    expect(heard.map(({ data }) => [...(data as Float32Array)])).toEqual([[...values]]);
    expect(teacher.leastSamples(48_000)).toBe(14_400);
  });

  it('has no answers to classes that it does not know, and hears no sub-bands', () => {
    expect(distilTeacher(base, ['low', 'unheard']).classifies).toBe(false);
    const bands = studentArchitecture(tinyBandStudent);
    const other = { id: 'bands', architecture: bands, weights: randomWeights(bands, 1) };
    expect(() => distilTeacher(other, ['a', 'b'])).toThrow(/log-mels/);
  });
});

describe('several teachers', () => {
  const names = ['low', 'middle', 'high'];
  const architecture = studentArchitecture(tinyStudent);
  const network = (seed: number, place: number) =>
    distilTeacher({ id: 'net', architecture, weights: randomWeights(architecture, seed) }, names, place);
  const echo = distilTeacher({ id: 'echo', ...tinyEncoder('echo') }, names);
  const crops = { count: 2, samples: 4800, sampleRate: RATE };

  it('answer with the mean of their probabilities, and all have layers', async () => {
    const [one, two] = [network(1, 0), network(2, 1)];
    const joint = ensembleTeacher([one, two, echo]);
    const { logits, states, more } = joint.graph(createScope(), crops);
    expect([states.length, more?.map((own) => own.states.length)]).toEqual([4, [4, 3]]);
    const values = async (teacher: typeof one) => {
      const program = await loadProgram(
        toOnnx({
          outputs: { logits: teacher.graph(createScope(), crops).logits as Tensor },
          constants: teacher.weights,
        }).bytes,
      );
      const sounds = cropsFrom(0, 2).map(({ samples }) => samples.subarray(0, 4800));
      const feeds = Object.entries(teacher.feeds(sounds, RATE)).filter(([name]) => name.startsWith('pictures'));
      return [...((await program.run(Object.fromEntries(feeds))).logits.data as Float32Array)];
    };
    const shares = (row: number[]) => row.map((x) => Math.exp(x) / row.reduce((sum, y) => sum + Math.exp(y), 0));
    const rows = (all: number[]) => [all.slice(0, 3), all.slice(3)].flatMap(shares);
    const [a, b, both] = [rows(await values(one)), rows(await values(two)), await values(joint)];
    for (const [i, value] of both.entries()) expect(value).toBeCloseTo(Math.log((a[i] + b[i]) / 2), 5);
    expect(logits?.shape).toEqual([2, 3]);
    expect(joint.classifies).toBe(true);
  });

  it('are refused where they hear at different rates, or read the same input', () => {
    expect(() => ensembleTeacher([network(1, 0), { ...network(2, 1), sampleRate: 32_000 }])).toThrow(/one rate/);
    const twice = ensembleTeacher([network(1, 0), network(2, 0)]);
    expect(() => twice.feeds([new Float32Array(4800).fill(0.1)], RATE)).toThrow(/at most one/);
  });

  it('are one where there is one', () => {
    expect(ensembleTeacher([echo])).toBe(echo);
  });
});

it('refuses an encoder without hidden states', () => {
  const { architecture, weights } = tinyEncoder('echo');
  const { trunk: _none, ...without } = architecture;
  expect(() => distilTeacher({ id: 'x', architecture: without, weights }, ['a', 'b'])).toThrow(InputError);
});
