// One year of anomaly detection: machine by machine, so that only one machine's embeddings are in memory.
import type { Matrix } from '../../detection/matrix.ts';
import type { Sample } from '../datasets/types.ts';
import {
  anomalyRules,
  officialScore,
  type ScoredClip,
  type Suite,
  sectionResults,
  yearFigures,
} from '../protocols/anomaly-result.ts';
import { type Clip, scoreMachine, usualDistance } from '../protocols/anomaly-scores.ts';
import { auditSplits, mergeAudits } from '../protocols/leakage.ts';
import type { DetectionResult, LeakageAudit } from '../result.ts';
import { commonRows, type Heard, oneKind, rowsByChannel } from './assemble.ts';
import { type Fusion, joinMatrices } from './fusion.ts';

/** The clip that a sample of a DCASE data set is. */
export function clipOf({ label, split, attributes }: Sample): Clip {
  const { set, machine, section, domain } = attributes;
  return {
    set: set === 'evaluation' ? 'evaluation' : 'development',
    machine,
    section,
    ...((domain === 'source' || domain === 'target') && { domain }),
    split: split === 'train' ? 'train' : 'test',
    ...(label !== 'unknown' && { anomalous: label === 'anomaly' }),
  };
}

/** Scores of one machine by each encoder, in units of the usual distance among its training clips, averaged. */
async function averagedScores(
  clips: readonly Clip[],
  matrices: readonly Matrix[],
  rule: Parameters<typeof scoreMachine>[2],
) {
  const all = await Promise.all(matrices.map((matrix) => scoreMachine(clips, matrix, rule)));
  const units = await Promise.all(matrices.map((matrix) => usualDistance(clips, matrix)));
  const scores = clips.map((_, i) => {
    const parts = all.map(({ scores: own }, e) => (own[i] === undefined ? undefined : (own[i] as number) / units[e]));
    return parts.includes(undefined) ? undefined : (parts as number[]).reduce((a, b) => a + b, 0) / parts.length;
  });
  return { scores, unscored: all[0].unscored };
}

export type DetectionOptions = { suite: Suite; year: number; compat: boolean; fusion?: Fusion };

/** What one machine's embeddings are, by each encoder that takes part. */
export type MachineLoader = (samples: readonly Sample[]) => Heard[][];

/**
 * Evaluates a year.
 * @param samples all clips that could be embedded
 * @param load the embeddings of one machine's clips, per encoder
 */
export async function evaluateDetection(
  samples: readonly Sample[],
  load: MachineLoader,
  { suite, year, compat, fusion }: DetectionOptions,
  problems: string[],
): Promise<DetectionResult> {
  const rules = anomalyRules(suite, year, compat);
  const machines = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = `${sample.attributes.set}/${sample.attributes.machine}`;
    machines.set(key, [...(machines.get(key) ?? []), sample]);
  }
  const scored: ScoredClip[] = [];
  const audits: LeakageAudit[] = [];
  for (const key of [...machines.keys()].sort()) {
    const parts = load(machines.get(key) as Sample[]).map((heard) => {
      const { kept, problems: others } = oneKind(heard);
      problems.push(...others.map((line) => `dcase${year}: ${line}`));
      return kept;
    });
    const common = commonRows(parts);
    if (common[0].length === 0) {
      problems.push(`dcase${year}: ${key}: no clip could be embedded by every encoder; the machine is left out`);
      continue;
    }
    const rows = common.map(rowsByChannel);
    const clips = rows[0].samples.map(clipOf);
    const matrices = rows.map(({ channels }) => channels[0]);
    const { scores, unscored } =
      fusion === 'averaged'
        ? await averagedScores(clips, matrices, rules.banks)
        : await scoreMachine(clips, joinMatrices(matrices), rules.banks);
    problems.push(...unscored.map(({ reason }) => `dcase${year}: ${key}: ${reason}; its test clips are not scored`));
    for (const [i, score] of scores.entries()) if (score !== undefined) scored.push({ ...clips[i], score });
    const side = (split: Clip['split']) => clips.flatMap((clip, i) => (clip.split === split ? [i] : []));
    audits.push(auditSplits(rows[0], [{ train: side('train'), test: side('test') }]));
  }
  const sections = sectionResults(year, scored, rules.anomalies);
  const { score, development, evaluation } = yearFigures(year, sections, rules.aggregation);
  const banks = {
    one: 'one bank',
    domains: 'nearer of two banks',
    'domains-standardised': 'two standardised banks',
    'domains-scaled': 'two banks, each in its own unit',
  };
  const against = year < 2022 ? '' : rules.anomalies === 'all' ? ', all anomalies' : ', anomalies of the same domain';
  return {
    kind: 'detection',
    view: `dcase${year}`,
    protocol: `k = 1, cosine, ${banks[rules.banks]}${against}, ${year === 2020 ? 'arithmetic' : 'harmonic'} mean`,
    score,
    development,
    evaluation,
    official: officialScore(year, scored),
    sections,
    recordings: samples.length,
    audit: mergeAudits(audits),
  };
}
