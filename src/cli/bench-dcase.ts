// thrum bench dcase-score: the official figures of DCASE Task 2 for score files made by anyone.
import { evaluateDcaseFolders } from '../evaluation/dcase/evaluate-folder.node.ts';
import { formatDcase } from '../evaluation/dcase/format.ts';
import type { DcaseResult } from '../evaluation/dcase/result.ts';
import { counted } from '../evaluation/text/words.ts';
import { checkWritable, note, print, writeFileSafely } from './output.ts';

export type DcaseScoreOptions = {
  /** 2020 to 2025. */
  year: number;
  /** Folder with score files of one or more systems. */
  scores: string;
  /** Folder with the ground truth, or any folder above. */
  truth: string;
  /** JSON instead of a table. */
  json?: boolean;
  /** File to write instead of standard output. */
  out?: string;
  /** 2022: means per machine as the released evaluator computes them. */
  compat?: boolean;
};

const tables = (results: readonly DcaseResult[]): string =>
  results.map((result) => formatDcase(result).join('\n')).join('\n\n');

/** Problems of all systems; one that several share is told once. */
function tell(results: readonly DcaseResult[]): void {
  const told = new Set<string>();
  for (const { system, problems, notes } of results) {
    for (const line of [...problems, ...notes]) {
      const shared = results.every((other) => other.problems.includes(line) || other.notes.includes(line));
      const message = shared || line.includes('.csv') ? line : `${system}: ${line}`;
      if (!told.has(message)) note(message);
      told.add(message);
    }
  }
}

/**
 * Evaluates all systems in a folder and prints a table, or JSON, for each. Returns the exit status: 1 if anything could
 * not be used or is missing, else 0.
 * @throws InputError if there is nothing to evaluate.
 */
export function runDcaseScore({ year, scores, truth, json, out, compat }: DcaseScoreOptions): number {
  if (out !== undefined) checkWritable(out);
  const results = evaluateDcaseFolders({ year, scores, truth, compat });
  const content = json ? JSON.stringify({ suite: 'dcase', year, systems: results }, null, 2) : tables(results);
  if (out === undefined) print(content);
  else {
    writeFileSafely(out, `${content}\n`);
    note(`${counted(results.length, 'system')} written to ${out}`);
  }
  tell(results);
  return results.some(({ problems }) => problems.length > 0) ? 1 : 0;
}
