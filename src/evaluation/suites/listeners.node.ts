// The encoders of a table: those asked for, their untrained twins, the spectral baseline, and fusions.
import { countParameters, DEFAULT_ENCODER, type EncoderSpec, identifyEncoder } from '../../encoders/load.node.ts';
import { spectralSettings } from '../../encoders/spectral.ts';
import { InputError } from '../../signal/errors.ts';
import type { Fusion } from './fusion.ts';

/** A row of the table: one encoder, or several heard as one. */
export type Listener = {
  name: string;
  parts: EncoderSpec[];
  fusion?: Fusion;
  parameters?: number;
  fingerprint: string;
};

const fusionWords: Record<Fusion, string> = { concatenated: 'concatenated', averaged: 'scores averaged' };

type Row = { parts: string[]; fusion?: Fusion };

/** `a`, or `a+b` for both fusions of a and b. */
function rowsOf(term: string): Row[] {
  const parts = term.split('+').map((part) => part.trim());
  if (parts.some((part) => part === '')) {
    throw new InputError(`--encoder: expected names, joined by + where they are fused, got ${term}`);
  }
  if (parts.length === 1) return [{ parts }];
  return [
    { parts, fusion: 'concatenated' },
    { parts, fusion: 'averaged' },
  ];
}

/** The same architecture with random weights: what a table owes its reader. Baselines and ONNX models have none. */
function untrained(name: string): string[] {
  const without = Object.hasOwn(spectralSettings, name) || /@random\d*$/.test(name) || /\.onnx$/i.test(name);
  return without ? [] : [`${name}@random`];
}

const nameOf = ({ parts, fusion }: Row): string =>
  fusion ? `${parts.join(' + ')} (${fusionWords[fusion]})` : parts[0];

/**
 * Reads `--encoder`: names or files separated by commas, `a+b` for fusions. The spectral baseline and every named
 * encoder's untrained twin are added.
 * @throws InputError where an encoder is unknown or its weights are not there
 */
export async function listenersFrom(list: string, runtime: Omit<EncoderSpec, 'encoder'> = {}): Promise<Listener[]> {
  const terms = list.split(',').map((term) => term.trim());
  const asked = terms.filter((term) => term !== '').flatMap(rowsOf);
  if (asked.length === 0) throw new InputError('--encoder: expected at least one encoder, got none');
  const single = asked.flatMap(({ parts, fusion }) => (fusion ? [] : parts));
  const added = [...single.flatMap(untrained), DEFAULT_ENCODER].map((name): Row => ({ parts: [name] }));
  const rows = new Map([...asked, ...added].map((row): [string, Row] => [nameOf(row), row]));
  const listeners: Listener[] = [];
  for (const row of rows.values()) {
    const parts = row.parts.map((encoder): EncoderSpec => ({ ...runtime, encoder }));
    const identities = await Promise.all(parts.map(identifyEncoder));
    const counts = await Promise.all(parts.map(countParameters));
    const known = counts.every((count) => count !== undefined);
    listeners.push({
      // Not the path that was typed: tables are shared.
      name: nameOf({ ...row, parts: identities.map(({ id }) => id) }),
      parts,
      ...(row.fusion && { fusion: row.fusion }),
      ...(known && { parameters: (counts as number[]).reduce((sum, count) => sum + count, 0) }),
      fingerprint: identities.map(({ fingerprint }) => fingerprint).join(' + '),
    });
  }
  return listeners;
}
