// The benchmark over life (FEMTO): runs it, prints its tables, writes them with a report.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { EncoderSpec } from '../encoders/load.node.ts';
import { runFemtoLife } from '../evaluation/life/femto.node.ts';
import type { LifeResult } from '../evaluation/life/protocol.ts';
import { formatLifeTable, lifeCsv, lifeJson } from '../evaluation/life/table.ts';
import { renderLifeReport } from '../report/life-report.ts';
import { InputError } from '../signal/errors.ts';
import { systemReason } from '../signal/system-error.node.ts';
import { checkWritable, createProgress, note, print, writeFileSafely } from './output.ts';
import { version } from './version.ts';

export type LifeBenchOptions = {
  /** Folder with the data set in it, or that of the data set itself. */
  data: string;
  encoder: EncoderSpec;
  /** One of the two accelerometers, or both (the default). */
  channel?: 0 | 1 | 'all';
  /** Folder for `life.csv`, `life.json` and `life.html`; it is made where it is missing. */
  out?: string;
  /** Print the result as one line of JSON, in place of the tables. */
  json?: boolean;
  workers?: number;
};

/** What is written below `out`. */
const outputs: { file: string; contentOf: (result: LifeResult) => string }[] = [
  { file: 'life.csv', contentOf: lifeCsv },
  { file: 'life.json', contentOf: lifeJson },
  { file: 'life.html', contentOf: renderLifeReport },
];

/** Asked before the work, which would be lost. */
function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new InputError(`cannot make the folder ${folder}: ${systemReason(error)}; name another with --out`);
  }
  for (const { file } of outputs) checkWritable(join(folder, file));
}

const commandOf = ({ encoder, data, channel }: LifeBenchOptions): string =>
  `thrum bench life --data ${data} --encoder ${encoder.encoder}${channel === undefined || channel === 'all' ? '' : ` --channel ${channel + 1}`}`;

/**
 * Runs the benchmark over life. Returns the exit status: 0 also where bearings were left out, which are named.
 * @throws InputError if there is no data set, none of its bearings can be used, or nothing can be written to `out`
 */
export async function runLifeBench(options: LifeBenchOptions): Promise<number> {
  const { data, encoder, channel, out, json, workers } = options;
  if (out !== undefined) prepareFolder(out);
  const progress = createProgress('embedded');
  const found = await runFemtoLife(data, { encoder, channel, workers, onFile: progress.update });
  progress.end();
  const result: LifeResult = { ...found, provenance: { version: version(), command: commandOf(options) } };
  for (const problem of result.problems) note(problem);
  print(json ? lifeJson(result).trimEnd() : formatLifeTable(result));
  if (out !== undefined) {
    for (const { file, contentOf } of outputs) writeFileSafely(join(out, file), contentOf(result));
    note(`${outputs.map(({ file }) => file).join(', ')} written to ${out}`);
  }
  return 0;
}
