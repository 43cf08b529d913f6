// All data sets that Thrum knows, by the names they have on the command line.
import { InputError } from '../../signal/errors.ts';
import { cwru } from './cwru.ts';
import { dcaseDataSets } from './dcase.ts';
import { esc50 } from './esc50.ts';
import { femto } from './femto.ts';
import { fsdd } from './fsdd.ts';
import { iica } from './iica.ts';
import { iiee } from './iiee.ts';
import { itsc } from './itsc.ts';
import { mafaulda } from './mafaulda.ts';
import { mfpt } from './mfpt.ts';
import { pu } from './pu.ts';
import { sdustBearing, sdustGear } from './sdust.ts';
import { sceneDataSets } from './tau.ts';
import type { DataSet } from './types.ts';
import { umged } from './umged.ts';
import { wtpg } from './wtpg.ts';

/** Machines first, in the order of SIREN and RMIS; then faults and wear of single machines, then other sounds. */
export const dataSets: readonly DataSet[] = [
  ...dcaseDataSets,
  mafaulda,
  cwru,
  iiee,
  iica,
  wtpg,
  sdustBearing,
  sdustGear,
  umged,
  pu,
  mfpt,
  femto,
  itsc,
  esc50,
  fsdd,
  ...sceneDataSets,
];

/** @throws InputError for an id that no data set has, naming those there are */
export function dataSetById(id: string): DataSet {
  const found = dataSets.find((dataSet) => dataSet.id === id);
  if (found) return found;
  throw new InputError(
    `dataSetById: expected one of ${dataSets.map((dataSet) => dataSet.id).join(', ')}, got ${id}; name one of these`,
  );
}
