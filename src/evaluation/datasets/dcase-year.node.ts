// Which year of DCASE Task 2 lies in a folder.
import { InputError } from '../../signal/errors.ts';
import { dcaseDataSets } from './dcase.ts';
import { type Located, locate } from './find.node.ts';
import { recogniseDataSets } from './recognise.node.ts';
import type { DataSet } from './types.ts';

const yearOf = ({ id }: DataSet): number => Number(id.slice('dcase'.length));

/**
 * The data set of one year in a folder: the year that is named, or the only one that is there.
 * @param caller public function, for messages
 * @throws InputError for a year that there is none of, and where none, or no one year, is found
 */
export function locateDcase(caller: string, root: string, year?: number): Located & { year: number } {
  if (year !== undefined) {
    const dataSet = dcaseDataSets.find((known) => yearOf(known) === year);
    if (!dataSet) throw new InputError(`${caller}: expected a year from 2020 to 2025, got ${year}`);
    const found = locate(root, dataSet);
    if (found) return { ...found, year };
    throw new InputError(`${caller}: expected clips of DCASE ${year} in ${root}, found none`);
  }
  const found = recogniseDataSets(root).filter(({ dataSet }) => dcaseDataSets.includes(dataSet));
  if (found.length === 1) return { ...found[0], year: yearOf(found[0].dataSet) };
  const what = found.map(({ dataSet }) => dataSet.id).join(', ') || 'none';
  throw new InputError(
    `${caller}: expected one data set dcase2020 to dcase2025 in ${root}, found ${what}; name a folder with one`,
  );
}
