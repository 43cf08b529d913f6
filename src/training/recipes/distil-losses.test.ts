// Losses of a classifying student: time brought together, gradients against differences, and what has a say about what.
import { describe, expect, it } from 'vitest';
import { checkLossGradients } from '../../../tests/check-loss-gradients.ts';
import { randomNumbers } from '../../../tests/check-operator.ts';
import { maxDifference } from '../../../tests/golden.ts';
import { evaluate } from '../../../tests/graph-oracle/evaluate.ts';
import type { OracleValue } from '../../../tests/graph-oracle/value.ts';
import { gradients } from '../../graph/gradients.ts';
import { constant, input, type Tensor } from '../../graph/tensor.ts';
import { createScope, type ParameterScope, parametersOf } from '../../nn/parameters.ts';
import { softenedDivergence } from '../distillation-loss.ts';
import { averagingMatrix, frontLoss, layerLosses } from './distil-losses.ts';
import type { TeacherStates } from './distil-teacher.ts';

const random = randomNumbers(5);
const drawn = (shape: readonly number[]): OracleValue => ({
  shape: [...shape],
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1),
});

/** Numbers for all parameters and inputs of a loss. */
const valuesFor = (losses: readonly Tensor[], inputs: Readonly<Record<string, readonly number[]>>) =>
  new Map([
    ...Object.entries(inputs).map(([name, shape]): [string, OracleValue] => [name, drawn(shape)]),
    ...Array.from(parametersOf(losses), ([name, shape]): [string, OracleValue] => [name, drawn(shape)]),
  ]);

describe('averagingMatrix', () => {
  it.each([
    [10, 4],
    [49, 32],
    [7, 7],
    [3, 1],
    [5, 8],
  ])('from %i to %i keeps a line a line', (from, to) => {
    const matrix = averagingMatrix(from, to);
    // The mean of a line over a stretch is its value in the middle; of pieces that are constant, near it.
    for (let i = 0; i < to; i++) {
      const row = matrix.subarray(i * from, (i + 1) * from);
      expect(row.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
      const middle = row.reduce((sum, share, j) => sum + share * (j + 0.5), 0);
      expect(Math.abs(middle - ((i + 0.5) * from) / to)).toBeLessThanOrEqual(0.5);
    }
    const columns = Array.from({ length: from }, (_, j) =>
      matrix.reduce((sum, s, k) => sum + (k % from === j ? s : 0), 0),
    );
    expect(maxDifference(columns, new Array(from).fill(to / from))).toBeLessThan(1e-6);
  });

  it('averages parts of steps', () => {
    expect(maxDifference(averagingMatrix(3, 2), [2 / 3, 1 / 3, 0, 0, 1 / 3, 2 / 3])).toBeLessThan(1e-7);
  });
});

describe('frontLoss', () => {
  const inputs = { stem: [2, 3, 2, 5], state: [2, 1 + 2 * 4, 6] };
  const stem = input('stem', inputs.stem);
  const teacher: TeacherStates = { states: [input('state', inputs.state)], cls: 1, grid: [2, 4, 1] };

  it('has right gradients', () => {
    const loss = frontLoss(createScope(), stem, teacher);
    checkLossGradients(loss, valuesFor([loss], inputs));
  });

  it('moves the front end, and no teacher', () => {
    const loss = frontLoss(createScope(), stem, teacher);
    const found = evaluate(gradients(loss, [stem, teacher.states[0]]), valuesFor([loss], inputs));
    expect(Math.max(...found[0].data.map(Math.abs))).toBeGreaterThan(1e-4);
    expect(new Set(found[1].data)).toEqual(new Set([0]));
  });
});

describe('layerLosses', () => {
  const [clips, classes, depth] = [4, 3, 5];
  const inputs = {
    ...{ stage0: [clips, 4, 2, 2], stage1: [clips, 5, 2, 1], output: [clips, classes], own: [clips, classes] },
    ...Object.fromEntries(Array.from({ length: depth }, (_, l) => [`state${l}`, [clips, 3, 6]])),
  };
  const tensors = Object.fromEntries(Object.entries(inputs).map(([name, shape]) => [name, input(name, shape)]));
  const states = Array.from({ length: depth }, (_, l) => tensors[`state${l}`]);
  const shares = constant([1, 0, 0, 0, 1, 0, 0, 0, 1, 0.5, 0.5, 0], [clips, classes]);
  const temperature = constant([3], []);
  const lossesOf = (
    scope: ParameterScope,
    teacher: Partial<TeacherStates> = {},
    stages = [tensors.stage0, tensors.stage1],
  ) => layerLosses(scope, stages, tensors.output, { states, cls: 1, ...teacher }, shares, temperature);

  /** Heads of the teacher as inputs, for a difference would move them and no gradient of the layers' loss does. */
  const fixedHeads =
    (scope: ParameterScope): ParameterScope =>
    (name, shape) =>
      name.startsWith('heads.teacher') ? input(name, shape) : scope(name, shape);
  const headShapes = Object.fromEntries(
    Array.from({ length: depth }, (_, l) => [
      [`heads.teacher.${l}.weight`, [classes, 6]],
      [`heads.teacher.${l}.bias`, [classes]],
    ]).flat() as [string, number[]][],
  );

  it('have right gradients, with logits of the teacher or without', () => {
    for (const teacher of [{}, { logits: tensors.own }]) {
      const { layerLoss } = lossesOf(fixedHeads(createScope()), teacher);
      checkLossGradients(layerLoss, valuesFor([layerLoss], { ...inputs, ...headShapes }));
    }
    const { headLoss } = lossesOf(createScope());
    checkLossGradients(headLoss, valuesFor([headLoss], inputs));
  });

  it('move the heads of the teacher by labels alone, and the student by the layers alone', () => {
    const scope = createScope();
    const { layerLoss, headLoss } = lossesOf(scope, { logits: tensors.own });
    const heads = Array.from({ length: depth }, (_, l) => scope(`heads.teacher.${l}.weight`, [classes, 6]));
    const student = [tensors.stage0, tensors.stage1, tensors.output];
    const values = valuesFor([layerLoss, headLoss], inputs);
    const moved = (loss: Tensor, wrt: readonly Tensor[]) =>
      evaluate(gradients(loss, wrt), values).map(({ data }) => data.some((value) => value !== 0));
    expect(moved(layerLoss, heads)).toEqual(heads.map(() => false));
    expect(moved(headLoss, heads)).toEqual(heads.map(() => true));
    expect(moved(layerLoss, student)).toEqual([true, true, true]);
    expect(moved(headLoss, student)).toEqual([false, false, false]);
    expect(moved(layerLoss, [...states, tensors.own])).toEqual([...states, 0].map(() => false));
  });

  it('give the logits of the teacher half of the say about the output', () => {
    const scope = createScope();
    const plain = lossesOf(scope, {}, [tensors.stage1]).layerLoss;
    const told = lossesOf(scope, { logits: tensors.own }, [tensors.stage1]).layerLoss;
    const own = softenedDivergence(tensors.output, tensors.own, 3);
    const [[a], [b], [c]] = evaluate([plain, told, own], valuesFor([plain, told], inputs)).map(({ data }) => data);
    expect(b).toBeCloseTo((a + c) / 2, 12);
    expect(Math.abs(a - c)).toBeGreaterThan(1e-3);
  });
});
