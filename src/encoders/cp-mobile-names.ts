// What the tensors of a published CP-Mobile checkpoint say of it: everything but its strides, which go by the year.
import { type CpMobileConfig, cpMobile2023, cpMobile2024 } from '../nn/cp-mobile.ts';
import { scaledChannels } from '../nn/mobilenet.ts';
import { InputError } from '../signal/errors.ts';
import { type StateDict, shapeAt } from './family.ts';
import type { StudentConfig } from './student-config.ts';
import { sceneFrontEnd2023, sceneFrontEnd2024 } from './student-input.ts';
import type { Labels } from './types.ts';

/** A tensor that only these networks have under this name. */
export const CP_MOBILE_KEY = 'in_c.0.0.weight';

/** Acoustic scenes of DCASE Task 1, in the order of the published networks' scores. */
export const sceneLabels: Labels = {
  names: [
    ...['airport', 'bus', 'metro', 'metro_station', 'park'],
    ...['public_square', 'shopping_mall', 'street_pedestrian', 'street_traffic', 'tram'],
  ],
  several: false,
};

/** Tried behind the published factors: several may round to the same widths, which is all that matters. */
const hundredths: readonly number[] = Array.from({ length: 701 }, (_, i) => (100 + i) / 100);

/** A factor that makes all widths of the ones they stand behind. @throws InputError if there is none */
function factorOf(
  what: 'multiplier' | 'expansion',
  pairs: readonly { of: number; made: number; power?: number }[],
): number {
  const fits = (factor: number) =>
    pairs.every(({ of, made, power = 1 }) => scaledChannels(of, factor ** power) === made);
  const found = [cpMobile2024[what], cpMobile2023[what], ...hundredths].find(fits);
  if (found !== undefined) return found;
  const widths = pairs.map(({ made }) => made).join(', ');
  throw new InputError(`loadEncoder: expected widths of CP-Mobile with one ${what}, got ${widths}`);
}

/** The sizes of a checkpoint. @throws InputError for a tensor that is missing and for widths of no such network */
function cpMobileSizes(weights: StateDict): CpMobileConfig {
  const [base] = shapeAt(weights, 'in_c.1.0.weight');
  const stages: number[] = [];
  const widths: { of: number; made: number; power: number }[] = [];
  const hidden: { of: number; made: number }[] = [];
  let number = 1;
  const blockAt = (): string => `stages.s${stages.length + 1}.b${number}`;
  while (weights.has(`${blockAt()}.block.0.0.weight`)) {
    const first = number;
    for (; weights.has(`${blockAt()}.block.0.0.weight`); number++) {
      const [made, of] = shapeAt(weights, `${blockAt()}.block.0.0.weight`);
      hidden.push({ of, made });
      if (number > first) continue;
      widths.push({ of: base, made: shapeAt(weights, `${blockAt()}.block.2.0.weight`)[0], power: stages.length });
    }
    stages.push(number - first);
  }
  if (stages.length === 0) throw new InputError('loadEncoder: expected blocks of CP-Mobile, found none');
  const responseNorm = weights.has('stages.s1.b1.after_block_norm.gamma');
  return {
    base,
    multiplier: factorOf('multiplier', widths),
    expansion: factorOf('expansion', hidden),
    stages,
    strides: (responseNorm ? cpMobile2023 : cpMobile2024).strides,
    responseNorm,
  };
}

/**
 * The student that a published checkpoint is: with response norms it is one of 2023, else one of 2024, and hears as those do.
 * @throws InputError for tensors of no such network
 */
export function cpMobileStudent(weights: StateDict): StudentConfig {
  const network = cpMobileSizes(weights);
  const [outputs] = shapeAt(weights, 'feed_forward.0.weight');
  const numbered = Array.from({ length: outputs }, (_, c) => `class ${c + 1}`);
  return {
    frontEnd: network.responseNorm ? sceneFrontEnd2023 : sceneFrontEnd2024,
    network: { kind: 'cp-mobile', ...network },
    outputs,
    labels: outputs === sceneLabels.names.length ? sceneLabels : { names: numbered, several: false },
    form: 'float',
  };
}
