// The benchmark over life (FEMTO): runs it, prints its tables, writes them with a report.
import type { EncoderSpec } from '../encoders/load.node.ts';
import { runFemtoLife } from '../evaluation/life/femto.node.ts';
import type { LifeResult } from '../evaluation/life/protocol.ts';
import { formatLifeTable, lifeCsv, lifeJson } from '../evaluation/life/table.ts';
import { renderLifeReport } from '../report/life-report.ts';
import { createProgress, note, print } from './output.ts';
import { checkOutputs, type Output, writeOutputs } from './output-folder.ts';
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
const outputs: Output<LifeResult>[] = [
  { file: 'life.csv', contentOf: lifeCsv },
  { file: 'life.json', contentOf: lifeJson },
  { file: 'life.html', contentOf: renderLifeReport },
];

const commandOf = ({ encoder, channel }: LifeBenchOptions): string =>
  `thrum bench life --data DIR --encoder ${encoder.encoder}${channel === undefined || channel === 'all' ? '' : ` --channel ${channel + 1}`}`;

/**
 * Runs the benchmark over life. Returns the exit status: 0 also where bearings were left out, which are named.
 * @throws InputError if there is no data set, none of its bearings can be used, or nothing can be written to `out`
 */
export async function runLifeBench(options: LifeBenchOptions): Promise<number> {
  const { data, encoder, channel, out, json, workers } = options;
  if (out !== undefined) checkOutputs(out, outputs);
  const progress = createProgress('embedded');
  const found = await runFemtoLife(data, { encoder, channel, workers, onFile: progress.update });
  progress.end();
  const result: LifeResult = { ...found, provenance: { version: version(), command: commandOf(options) } };
  for (const problem of result.problems) note(problem);
  print(json ? lifeJson(result).trimEnd() : formatLifeTable(result));
  if (out !== undefined) writeOutputs(out, outputs, result);
  return 0;
}
