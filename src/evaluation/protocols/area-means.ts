// Harmonic means of the areas of several sections: what a machine, or all machines, come to.
import type { Domain } from '../dcase/names.ts';
import { harmonicMean } from '../metrics/means.ts';
import { combine, type Measured } from '../metrics/measured.ts';
import type { SectionResult } from '../result.ts';

export type AreaMeans = {
  /** Over all sections, for each domain; without a domain in 2020. */
  auc: { domain?: Domain; value: Measured }[];
  pauc: Measured;
  /** Over all of them at once: the challenge's own figure from 2021 on. */
  all: Measured;
};

const over = (areas: readonly { value: Measured }[]): Measured =>
  combine(
    areas.map(({ value }) => value),
    harmonicMean,
  );

/** Undefined where one of the areas is. */
export function areaMeans(sections: readonly SectionResult[]): AreaMeans {
  const aucs = sections.flatMap(({ auc }) => auc);
  const paucs = sections.flatMap(({ pauc }) => pauc);
  const domains = [...new Set(aucs.map(({ domain }) => domain))];
  return {
    auc: domains.map((domain) => ({
      ...(domain && { domain }),
      value: over(aucs.filter((area) => area.domain === domain)),
    })),
    pauc: over(paucs),
    all: over([...aucs, ...paucs]),
  };
}
