// The normal training clips of DCASE Task 2 as labelled recordings: machine, section and operating condition make a class.
import { join } from 'node:path';
import { InputError } from '../../signal/errors.ts';
import type { LabelledItem } from '../../training/data/labelled-types.ts';
import { groupBy } from '../group-by.ts';
import { locateDcase } from './dcase-year.node.ts';
import type { Sample } from './types.ts';

const sectionsOf = (samples: readonly Sample[]): Map<string, Set<string>> =>
  new Map(
    [...groupBy(samples, ({ attributes }) => attributes.machine)].map(([machine, own]) => [
      machine,
      new Set(own.map(({ attributes }) => attributes.section)),
    ]),
  );

/**
 * The normal training clips of both sets. The label is machine, section and attributes (`fan_00_m-n_W`), the group is the
 * machine, with its section where it has several. `hidden` marks the clips of machines whose attributes are not told.
 * @param year where `root` holds several
 * @throws InputError where there is no such data set, or no one year is meant
 */
export function dcaseItems(root: string, year?: number): LabelledItem[] {
  const located = locateDcase('dcaseItems', root, year);
  const samples = located.scan.samples.filter(({ split, label }) => split === 'train' && label === 'normal');
  if (samples.length === 0) {
    throw new InputError(`dcaseItems: expected normal training clips in ${located.root}, found none`);
  }
  const sections = sectionsOf(samples);
  return samples.map(({ path, attributes: facts }) => {
    const { machine, section, domain, attributes } = facts;
    return {
      path: join(located.root, path),
      label: [machine, section, ...(attributes ? [attributes] : [])].join('_'),
      group: (sections.get(machine)?.size ?? 0) > 1 ? `${machine}_${section}` : machine,
      ...((domain === 'source' || domain === 'target') && { domain }),
      ...(attributes === 'noAttribute' && { hidden: true }),
    };
  });
}
