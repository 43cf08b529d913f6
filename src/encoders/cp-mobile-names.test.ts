import { describe, expect, it } from 'vitest';
import { floats, floats32, hasGolden, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { type CpMobileConfig, cpMobile2023, cpMobile2024 } from '../nn/cp-mobile.ts';
import { createScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { buildEncoder, parameterShapes, randomWeights, recogniseWeights } from './build.ts';
import { sceneLabels } from './cp-mobile-names.ts';
import { noise, recordingOf } from './sounds.test-util.ts';
import type { StudentConfig } from './student-config.ts';
import { studentArchitecture } from './student-family.ts';
import { sceneFrontEnd2023, sceneFrontEnd2024 } from './student-input.ts';

const configOf = (network: CpMobileConfig): StudentConfig => ({
  frontEnd: network.responseNorm ? sceneFrontEnd2023 : sceneFrontEnd2024,
  network: { kind: 'cp-mobile', ...network },
  ...{ outputs: 10, labels: sceneLabels, form: 'float' },
});
const weightsOf = (network: CpMobileConfig) => randomWeights(studentArchitecture(configOf(network)), 1);

describe('a checkpoint', () => {
  it.each([
    ['2024', cpMobile2024],
    ['2023', cpMobile2023],
  ])('of %s is known by its tensors', (_name, network) => {
    const found = recogniseWeights(weightsOf(network));
    expect([found.family, found.config]).toEqual(['student', studentArchitecture(configOf(network)).config]);
  });

  it.each([
    ['2023', { ...cpMobile2023, base: 16, multiplier: 1.5, expansion: 2, stages: [2, 2, 2] }],
    ['2024', { ...cpMobile2024, base: 8, multiplier: 1.8, stages: [1] }],
    ['2024', { ...cpMobile2024, base: 64, multiplier: 1.37, expansion: 4.55, stages: [1, 2] }],
  ])('of another size of %s has its widths', (_name, network) => {
    const [found, wanted] = [recogniseWeights(weightsOf(network)), studentArchitecture(configOf(network))];
    // Several factors may round to the same widths.
    expect(parameterShapes(found)).toEqual(parameterShapes(wanted));
    const { stages, strides, responseNorm } = network;
    expect(found.config.network).toMatchObject({ stages, strides, responseNorm });
  });

  it('of other classes has numbers for labels', () => {
    const own = studentArchitecture({ ...configOf(cpMobile2024), outputs: 3, labels: undefined });
    expect(recogniseWeights(randomWeights(own, 1)).config).toMatchObject({
      labels: { names: ['class 1', 'class 2', 'class 3'], several: false },
    });
  });

  it('of widths that follow no rule is refused', () => {
    const weights = weightsOf(cpMobile2024);
    const name = 'stages.s2.b4.block.2.0.weight';
    const { data } = weights.get(name) as StoredTensor;
    weights.set(name, { dtype: 'F32', shape: [57, 64, 1, 1], data });
    expect(() => recogniseWeights(weights)).toThrow(
      /expected widths of CP-Mobile with one multiplier, got 32, 57, 104/,
    );
    expect(() => recogniseWeights(weights)).toThrow(InputError);
    const blockless = new Map([...weights].filter(([key]) => !key.startsWith('stages')));
    expect(() => recogniseWeights(blockless)).toThrow(/expected blocks of CP-Mobile, found none/);
  });

  it('without one of its tensors is refused by name', async () => {
    const weights = weightsOf(cpMobile2024);
    weights.delete('stages.s2.b5.block.1.1.bias');
    await expect(buildEncoder('x', recogniseWeights(weights), weights)).rejects.toThrow(
      /lacks the tensor stages\.s2\.b5/,
    );
  });
});

describe.skipIf(!hasGolden('cpmobile_real'))('published weights, from shared/golden beside the project', () => {
  // Nothing is read where they are absent.
  const golden = hasGolden('cpmobile_real') ? readGolden('cpmobile_real/data.safetensors') : new Map();
  const weights = new Map([...golden].filter(([name]) => !name.startsWith('io.'))) as Map<string, StoredTensor>;

  it('give the logits of their authors', async () => {
    const { config } = recogniseWeights(weights);
    expect(config).toEqual(configOf(cpMobile2023));
    // One column more than a second has in 2023: the reference was run so.
    const wider = { ...(config as StudentConfig), frontEnd: { ...sceneFrontEnd2023, frames: 65 } };
    const graph = studentArchitecture(wider).graph(createScope());
    const x = floats32(golden, 'io.x');
    const found = await runGraph(graph, weights, { pictures: float32(x, [3, 1, 256, 65]) });
    expect(maxDifference(found.outputs, floats(golden, 'io.logits'))).toBeLessThan(1e-4);
    expect(maxDifference(found.features, floats(golden, 'io.mean.b6'))).toBeLessThan(1e-4);
  });

  it('label a second of sound', async () => {
    const encoder = await buildEncoder('cp-mobile', recogniseWeights(weights), weights);
    const { vector, logits, bands } = await encoder.embed(recordingOf(noise(44_100, 'scene'), 44_100));
    await encoder.release();
    expect(vector).toHaveLength(168);
    expect(logits).toHaveLength(10);
    expect(bands).toEqual([{ lowHz: 0, highHz: 15_500, start: 0, end: 168 }]);
    expect(encoder.labels).toEqual(sceneLabels);
  });
});
