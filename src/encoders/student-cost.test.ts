import { expect, it } from 'vitest';
import { readGoldenJson } from '../../tests/golden.ts';
import { cpMobile2024 } from '../nn/cp-mobile.ts';
import type { StudentConfig } from './student-config.ts';
import { studentCost } from './student-cost.ts';
import { studentSizes } from './student-family.ts';
import { sceneFrontEnd2024 } from './student-input.ts';

type Meta = {
  cp_mobile_table: { total_params: number; total_macs: number; rows: { params: number; macs: number }[] };
  mobilenetv2_counts: { custom: Record<string, { params: number; int8_bytes_w_plus_int32_bias: number }> };
};
const { cp_mobile_table: table, mobilenetv2_counts: counts } = readGoldenJson<Meta>('asc/meta.json');

it('of CP-Mobile is that of the DCASE 2024 baseline, a window being a second', () => {
  const network: StudentConfig['network'] = { kind: 'cp-mobile', ...cpMobile2024 };
  const cost = studentCost({ frontEnd: sceneFrontEnd2024, network, outputs: 10, form: 'float' });
  expect(cost).toMatchObject({
    parameters: table.total_params,
    macsPerWindow: table.total_macs,
    windowSeconds: 1,
    macsPerSecond: table.total_macs,
    sampleRate: 32_000,
  });
  // The table has the normalisation of the last convolution in a row of its own.
  const convolutions = cost.layers.filter(({ kind }) => kind === 'conv');
  const rows = table.rows.filter(({ params }) => params !== null).map(({ params, macs }) => [params, macs]);
  const last = rows.slice(-2).reduce(([a, b], [c, d]) => [a + c, b + d]);
  expect(convolutions.map(({ parameters, macs }) => [parameters, macs])).toEqual([...rows.slice(0, -2), last]);
  expect(convolutions[0]).toMatchObject({ layer: 1, name: 'in_c.0.0', shape: [8, 128, 33] });
});

it('of the student of scenes fits the paper', () => {
  const { scenes } = studentSizes;
  // The same body behind a first convolution of 32 channels.
  const { params, int8_bytes_w_plus_int32_bias: bytes } = counts.custom['C: t3 24x2,40x2,64x2,96x1'];
  const wider = studentCost({ ...scenes, network: { ...scenes.network, stem: 32 } as StudentConfig['network'] });
  expect(wider).toMatchObject({ parameters: params, int8Bytes: bytes });
  const cost = studentCost(scenes);
  expect(cost).toMatchObject({ int8Bytes: 103_848, sampleRate: 16_000, windowSeconds: 0.992 });
  expect(cost.int8Bytes).toBeLessThan(115_600);
  expect(cost.macsPerSecond).toBe(Math.round(cost.macsPerWindow / 0.992));
  expect(cost.layers.at(-1)).toMatchObject({ kind: 'dense', shape: [10], parameters: 970 });
});

it('of a student of sub-bands grows with their number', () => {
  const [low, high] = [studentCost(studentSizes.bands), studentCost(studentSizes.bands, 32_000)];
  const layers = low.layers.reduce((sum, { macs }) => sum + macs, 0);
  // 201 bins are 7 bands, 401 are 13.
  expect([low.macsPerWindow, high.macsPerWindow]).toEqual([7 * layers, 13 * layers]);
  expect([low.windowSeconds, high.windowSeconds]).toEqual([1.28, 1.28]);
  expect([low.sampleRate, high.sampleRate]).toEqual([16_000, 32_000]);
  expect(low.macsPerSecond).toBe(Math.round((7 * layers) / 1.28));
});
