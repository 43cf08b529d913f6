// The student in training: its stages, what its phases begin with, and what does not move or decay.
import { describe, expect, it } from 'vitest';
import { studentPlan } from '../../encoders/student-config.ts';
import { studentSizes } from '../../encoders/student-family.ts';
import { input } from '../../graph/tensor.ts';
import { cpMobile2024, cpMobilePlan } from '../../nn/cp-mobile.ts';
import { layerOutputs } from '../../nn/layer-graph.ts';
import { layerShapes } from '../../nn/layer-plan.ts';
import { mobileNetV2Blocks, mobileNetV2Plan } from '../../nn/mobilenet.ts';
import { createScope, parametersOf } from '../../nn/parameters.ts';
import { initialParameters } from '../initialise.ts';
import { tinyOptions, tinyStudent } from './distil.test-util.ts';
import { quantisedStart, stageEnds, stepKind, studentRecipe } from './distil-student.ts';

describe('stageEnds', () => {
  it.each([
    ['CP-Mobile', cpMobilePlan([1, 256, 65], 10, cpMobile2024), ['32,64,17', '32,64,9', '56,32,9', '104,32,9']],
    ['the student of scenes', studentPlan(studentSizes.scenes), ['24,32,17', '40,16,9', '64,8,5', '96,8,5']],
    [
      'MobileNetV2, the last four of seven',
      mobileNetV2Plan([1, 128, 64], { width: 1, blocks: mobileNetV2Blocks, stem: 32, last: 1280 }),
      ['64,8,4', '96,8,4', '160,4,2', '320,4,2'],
    ],
  ])('of %s', (_, plan, expected) => {
    const shapes = layerShapes(plan);
    const ends = stageEnds(plan);
    expect(ends.map((end) => String(shapes[end]))).toEqual(expected);
    // A stage ends with the last of its blocks.
    for (const end of ends) {
      const next = plan.blocks[plan.blocks.indexOf(end) + 1];
      expect(next === undefined || String(shapes[next]) !== String(shapes[end])).toBe(true);
    }
  });
});

describe('training for 8 bits', () => {
  const plan = studentPlan(tinyStudent);
  const shapes = parametersOf(
    layerOutputs(createScope(), plan, input('x', [2, 1, 16, 21]), { norm: { training: false } }),
  );

  it('begins with folded weights, ranges, and the heads as they are', () => {
    const head = Float32Array.of(1, 2, 3);
    const trained = new Map([
      ...initialParameters(shapes, 1, 1),
      ...['heads.student.0.bias', 'align.norm.bias', 'route.key.0.weight'].map((name) => [name, head] as const),
      ...[['source.trunk.x', head] as const],
    ]);
    const ranges = plan.layers.map((_, layer): [number, number] => [-layer, layer + 1]);
    const start = quantisedStart(plan, trained, ranges);
    const names = [...start.keys()];
    const folded = parametersOf(layerOutputs(createScope(), plan, input('x', [2, 1, 16, 21]), { folded: true }));
    const ofTraining = ['heads.student.0.bias', 'align.norm.bias', 'route.key.0.weight'];
    expect(names.sort()).toEqual([...folded.keys(), ...ofTraining, ...plan.layers.map((_, i) => `range.${i}`)].sort());
    expect(start.get('range.2')).toEqual(Float32Array.of(-2, 3));
    expect(start.get('heads.student.0.bias')).toBe(head);
    // Gain 1, mean 0, variance 1.
    const factor = 1 / Math.sqrt(1 + 1e-5);
    const [before, after] = [trained, start].map((values) => values.get('features.0.0.weight') as Float32Array);
    expect(after[3]).toBe(Math.fround(before[3] * factor));
    expect(start.get('features.0.0.bias')).toEqual(new Float32Array(8));
  });

  it('observes, then settles', () => {
    const phase = { kind: 'quantised', values: new Map(), observeSteps: 3, stepsBefore: 9 } as const;
    expect([1, 3, 4, 9].map((step) => stepKind(phase, step))).toEqual(['observe', 'observe', 'settled', 'settled']);
    expect(stepKind({ kind: 'float' }, 1)).toBe('float');
  });

  it('changes no teacher, average or range, and decays no norm or bias', () => {
    const { parameters } = studentRecipe(plan, tinyOptions, { kind: 'float' }, new Map());
    const { frozen, decays } = parameters as Required<NonNullable<typeof parameters>>;
    const fixed = [...shapes.keys(), 'source.encoder.x.weight', 'range.4', 'heads.student.0.weight'].filter((name) =>
      frozen(name),
    );
    expect(fixed.filter((name) => !name.includes('running_'))).toEqual(['source.encoder.x.weight', 'range.4']);
    expect(fixed).toHaveLength(2 + [...shapes.keys()].filter((name) => name.includes('running_')).length);
    // Matrices and kernels decay, vectors do not.
    for (const [name, shape] of shapes) {
      if (!frozen(name)) expect([name, decays(name)]).toEqual([name, shape.length > 1]);
    }
    const others = ['align.norm.weight', 'align.norm.bias', 'align.teacher.weight', 'route.key.1.weight'];
    expect(others.map((name) => decays(name))).toEqual([false, false, true, true]);
  });
});
