// Why an alarm was raised or cleared, in one sentence.
import {
  formatBand,
  formatDiagnosis,
  formatNumber,
  formatPValue,
  formatSeconds,
  topBands,
} from '../../report/format.ts';
import { driftDeviations, driftFactor } from './drift.ts';
import { type Finding, type Flow, limitOf } from './flow.ts';
import type { AlarmChange, AlarmPolicy, AlarmReason, Observation } from './types.ts';

/** A factor on the threshold below this is not worth a word. */
const NOTICEABLE = 1.005;

function scoreWords(policy: AlarmPolicy, flow: Flow, { score, threshold, pValue }: Observation): string {
  const p = formatPValue(pValue);
  const limit = formatNumber(limitOf(flow, policy, threshold));
  const raised =
    driftFactor(flow.drift) >= NOTICEABLE
      ? `, ${formatNumber(policy.threshold ?? threshold)} before its usual score drifted`
      : '';
  return `score ${formatNumber(score)}, threshold ${limit}${raised} (p ${p.startsWith('<') ? p : `= ${p}`})`;
}

/** The place that deviates most; without places, the band with the largest share. */
function loudestWords({ places, bands }: Observation): string {
  const [place] = places;
  if (place)
    return `; loudest difference ${formatBand(place.lowHz, place.highHz)} at ${formatSeconds(place.startSeconds)}`;
  const [band] = topBands(bands, 1);
  return band ? `; loudest difference ${formatBand(band.lowHz, band.highHz)}` : '';
}

function faultWords(policy: AlarmPolicy, flow: Flow, finding: Finding, observation: Observation): string {
  const { diagnosis, nearest } = observation;
  const named = diagnosis ? `; sounds like ${formatDiagnosis(diagnosis)}` : '';
  const alike = nearest.file === '' ? '' : `; most alike: ${nearest.file}`;
  return `${scoreWords(policy, flow, observation)}, ${finding.above} of the last ${finding.of}${loudestWords(observation)}${named}${alike}`;
}

function driftWords({ drift }: Flow, change: AlarmChange['change']): string {
  const { reference, levels, shift } = drift;
  if (!reference) return 'what is usual is learned anew';
  const [now, then] = [reference.level + shift, reference.level].map((level) => formatNumber(Math.exp(level)));
  const moved = formatNumber(driftDeviations(drift), 2);
  if (change === 'cleared') return `the usual score is ${now} again, ${then} after the detector began`;
  const days = levels.length > 0 ? `, slowly (without a jump)` : '';
  return `the usual score has moved from ${then} to ${now}, ${moved} times its spread${days}: the machine wears or its surroundings change; look at it, or teach the detector what is normal now`;
}

/** One sentence on a change, as `score 3.2, threshold 1.4 (p < 0.001), 3 of the last 4; loudest difference 2.1–2.6 kHz at 0.4 s; most alike: normal/12.wav`. */
function sentence(
  policy: AlarmPolicy,
  flow: Flow,
  finding: Finding,
  observation: Observation,
  { kind, change }: Pick<AlarmChange, 'kind' | 'change'>,
): string {
  if (kind === 'drift') return driftWords(flow, change);
  if (kind === 'sensor') {
    if (change === 'cleared') return `the last ${policy.n} recordings have live samples again`;
    return `every sample is the same in ${finding.above} of the last ${finding.of} recordings: a dead sensor, a loose cable, or digital silence`;
  }
  if (change === 'raised') return faultWords(policy, flow, finding, observation);
  const calm = formatNumber(policy.clearShare * limitOf(flow, policy, observation.threshold));
  return `the last ${policy.n} scores lie below ${calm}; ${scoreWords(policy, flow, observation)}`;
}

/** The reason of a change that an observation brought about. */
export function reasonOf(
  policy: AlarmPolicy,
  flow: Flow,
  finding: Finding,
  observation: Observation,
  what: Pick<AlarmChange, 'kind' | 'change'>,
): AlarmReason {
  const { score, pValue, bands, places, nearest, diagnosis, recording, threshold } = observation;
  return {
    score,
    pValue,
    threshold: limitOf(flow, policy, threshold),
    bands,
    places,
    nearest,
    ...(diagnosis && { diagnosis }),
    ...(recording !== undefined && { recording }),
    above: finding.above,
    of: finding.of,
    text: sentence(policy, flow, finding, observation, what),
  };
}
