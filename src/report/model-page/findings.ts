// What there is to say of a sound, from what the model said of its stretches: the verdict, labels over time, the rows to draw.
import { labelProbabilities } from '../../encoders/label-probabilities.ts';
import type { Labels } from '../../encoders/types.ts';
import { formatCount, formatNumber, formatShare } from '../format.ts';
import type { Step } from './draw.ts';
import type { Heard, Normal, Span } from './messages.ts';

/** A sound so far. */
export type Sound = {
  /** From a microphone; else from a file. */
  live: boolean;
  heard: readonly Heard[];
  /** Logits of the whole file. */
  whole?: Float32Array;
};

/** Rows of labels on the page at most. */
const MOST_ROWS = 8;
/** Of labels that may come together, those that count as heard. */
const PRESENT = 0.5;

const labelText = (probabilities: readonly number[], labels: Labels): { text: string; detail: string } => {
  const order = probabilities.map((_, c) => c).sort((a, b) => probabilities[b] - probabilities[a]);
  const present = labels.several ? order.filter((c) => probabilities[c] >= PRESENT).slice(0, 3) : [];
  const named = present.length > 0 ? present : order.slice(0, 1);
  const shares = named.map((c) => formatShare(probabilities[c])).join(', ');
  if (labels.several && present.length === 0)
    return { text: 'none of the labels', detail: `${labels.names[order[0]]} ${shares}` };
  return { text: named.map((c) => labels.names[c]).join(', '), detail: shares };
};

export type Verdict = { text: string; detail: string; anomalous: boolean };

const NOTHING: Verdict = { text: '…', detail: '', anomalous: false };

function distanceVerdict({ live, heard }: Sound, { count, limit }: Normal): Verdict {
  if (count === 0) return { text: 'Nothing is normal yet', detail: '', anomalous: false };
  const distances = heard.flatMap(({ distance }) => distance ?? []);
  const last = live ? heard.at(-1)?.distance : distances.at(-1);
  if (heard.length === 0) return NOTHING;
  if (last === undefined) return { ...NOTHING, text: 'Nothing to compare with', detail: 'mark some of this sound too' };
  const shown = live ? last : Math.max(...distances);
  const detail = `${formatNumber(shown)} from normal${live ? '' : ' at most'}`;
  if (limit === undefined) return { text: 'Mark more as normal', detail, anomalous: false };
  const beyond = distances.filter((distance) => distance > limit).length;
  const anomalous = live ? last > limit : beyond > 0;
  if (!anomalous) return { text: 'Like normal', detail, anomalous };
  return { text: live ? 'Unlike normal' : `Unlike normal in ${beyond} of ${distances.length} s`, detail, anomalous };
}

/** In a few words: of a file as a whole, of a microphone now. */
export function verdictOf(sound: Sound, labels: Labels | undefined, normal: Normal): Verdict {
  if (!labels) return distanceVerdict(sound, normal);
  const logits = sound.live ? sound.heard.at(-1)?.logits : sound.whole;
  return logits ? { ...labelText(labelProbabilities(logits, labels), labels), anomalous: false } : NOTHING;
}

/** Logits and probabilities of one label. */
export type LabelRow = { label: number; name: string; steps: Step[]; value: number; logit: number };

/**
 * At most eight labels with their probabilities over time. Of a file the likeliest ones first; of a microphone those that
 * were likeliest at any time, in the order of the labels, so that rows keep their places.
 */
export function labelRows({ live, heard, whole }: Sound, labels: Labels): LabelRow[] {
  const over = heard.map(({ logits }) => (logits ? labelProbabilities(logits, labels) : []));
  const last = live ? heard.at(-1)?.logits : whole;
  const now = last ? labelProbabilities(last, labels) : [];
  const weight = labels.names.map((_, c) =>
    live || !last ? over.reduce((most, shares) => Math.max(most, shares[c] ?? 0), 0) : now[c],
  );
  const chosen = labels.names
    .map((_, c) => c)
    .sort((a, b) => weight[b] - weight[a])
    .slice(0, MOST_ROWS);
  if (live) chosen.sort((a, b) => a - b);
  return chosen.map((label) => ({
    label,
    name: labels.names[label],
    steps: heard.map(({ start, end }, i) => ({ start, end, value: over[i][label] ?? 0 })),
    value: now[label] ?? 0,
    logit: last?.[label] ?? Number.NaN,
  }));
}

/** Stretches of one likeliest label after the other. */
export function labelRuns(heard: readonly Heard[]): (Span & { label: number })[] {
  const runs: (Span & { label: number })[] = [];
  for (const { start, end, logits } of heard) {
    if (!logits) continue;
    const label = logits.indexOf(Math.max(...logits));
    const last = runs.at(-1);
    if (last?.label === label) last.end = end;
    else runs.push({ start, end, label });
  }
  return runs;
}

/** What is known as normal, in a sentence. */
export function normalText({ count, limit }: Normal): string {
  if (count === 0) {
    return 'Mark sounds of the machine in good order. What follows is measured by how far it lies from them.';
  }
  const known = `${formatCount(count, 'normal window')} known.`;
  return limit === undefined ? `${known} A few more, and the page can tell what is unlike them.` : known;
}

/** Places and texts of a scale of seconds from 0, in at most `most` steps. */
export function secondTicks(seconds: number, most = 8): { at: number; text: string }[] {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
  const step = steps.find((one) => seconds / one <= most) ?? seconds;
  const minutes = step >= 15 && seconds >= 120;
  const count = Math.floor(seconds / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => {
    const at = i * step;
    const text = minutes
      ? `${Math.floor(at / 60)}:${String(Math.round(at % 60)).padStart(2, '0')}`
      : `${formatNumber(at)}${i === count ? ' s' : ''}`;
    return { at, text };
  });
}
