// The encoder families that have weights, and the one that a checkpoint belongs to.
import { audiomaeFamily } from './audiomae.ts';
import { beatsFamily } from './beats.ts';
import { cedFamily } from './ced.ts';
import type { ConfigHints } from './config-hints.ts';
import { dashengFamily } from './dasheng.ts';
import { eatFamily } from './eat-family.ts';
import { echoFamily } from './echo-family.ts';
import type { Family, StateDict } from './family.ts';
import { fisherFamily } from './fisher-family.ts';
import { speechFamily } from './speech-family.ts';
import { studentFamily } from './student-family.ts';
import { tunedFamily } from './tuned.ts';

const baseFamilies: readonly Family[] = [
  echoFamily,
  fisherFamily,
  eatFamily,
  cedFamily,
  dashengFamily,
  beatsFamily,
  audiomaeFamily,
  speechFamily,
];

export const families: readonly Family[] = [...baseFamilies, studentFamily, tunedFamily(baseFamilies)];

/** Weights under the names of the first family that knows them, and that family. */
export function familyOf(
  weights: StateDict,
  hints: ConfigHints = {},
): { family: Family; weights: StateDict } | undefined {
  for (const family of families) {
    const { rename } = family;
    const named = rename ? new Map(Array.from(weights, ([name, tensor]) => [rename(name), tensor])) : weights;
    const own = hints.family === undefined || hints.family === family.name;
    if (own && (family.recognises(named) || hints.family === family.name)) return { family, weights: named };
  }
  return undefined;
}
