// Results over life with known figures, for tests.
import { evaluateLives, type LifeResult } from './protocol.ts';
import type { ScoredLife } from './score-life.ts';

/** A score of 1 until `onset`, then 1.1 times more with every record, 100 s apart. */
export function growingLife(bearing: string, records: number, onset: number): ScoredLife {
  return {
    bearing,
    condition: bearing.charAt('Bearing'.length),
    ageSeconds: Array.from({ length: records }, (_, i) => 100 * i),
    score: Array.from({ length: records }, (_, i) => 1.1 ** Math.max(0, i - onset)),
    fitted: 10,
    threshold: 1.5,
  };
}

/** Three bearings of 6,000, 8,000 and 10,000 s that end alike, and one that is normal to its end where `quiet`. */
export const lifeResult = ({ quiet = false } = {}): LifeResult =>
  evaluateLives({
    encoder: { id: 'synthetic', fingerprint: 'synthetic:1' },
    channel: 'all',
    lives: [
      growingLife('Bearing1_1', 61, 30),
      growingLife('Bearing1_2', 81, 50),
      growingLife('Bearing2_1', 101, 70),
      ...(quiet ? [growingLife('Bearing2_2', 61, 60)] : []),
    ],
  });
