// npm run bench:femto-finetune: whether fine-tuning on operating conditions helps to hear wear in bearings that ran to
// failure (FEMTO, below THRUM_DATA). Early life is normal, late life the anomaly; conditions are the classes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { femto, femtoBearings } from '../src/evaluation/datasets/femto.ts';
import { locate } from '../src/evaluation/datasets/find.node.ts';
import { rocAuc } from '../src/evaluation/metrics/roc.ts';
import { mean } from '../src/signal/average.ts';
import { readRecordingFile } from '../src/signal/read-file.node.ts';
import { writeWav } from '../src/signal/readers/wav-write.ts';

/** The first quarter of a life is called normal, the last fifth worn. */
const EARLY = 0.25;
const LATE = 0.8;
const STEPS = process.env.STEPS ?? '600';

const data = process.env.THRUM_DATA;
if (!data) throw new Error('bench:femto-finetune: set THRUM_DATA to a folder with FEMTO in it');
const located = locate(data, femto);
if (!located) throw new Error(`bench:femto-finetune: no FEMTO below ${data}`);

const folder = mkdtempSync(join(tmpdir(), 'thrum-femto-'));
const thrum = (...args: string[]): string =>
  execFileSync(process.execPath, ['dist/cli/main.js', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });

type Bearing = { name: string; condition: string };

/** Every record as a file by itself: `fit` (every other early one), `normal` (the others) and `worn`. */
async function unpack(): Promise<Bearing[]> {
  const bearings: Bearing[] = [];
  for (const { bearing, condition, samples } of femtoBearings(located?.scan.samples ?? [])) {
    const records = [];
    for (const { path, read } of samples)
      records.push(...(await readRecordingFile(join(located?.root ?? '', path), read)));
    for (const [i, { channels, sampleRate }] of records.entries()) {
      const age = i / records.length;
      const part = age >= LATE ? 'worn' : age >= EARLY ? undefined : i % 2 === 0 ? 'fit' : 'normal';
      if (part === undefined) continue;
      for (const [c, samplesOf] of channels.entries()) {
        const name = `record_${String(i).padStart(4, '0')}_${c === 0 ? 'horizontal' : 'vertical'}.wav`;
        const bytes = writeWav({ channels: [samplesOf], sampleRate, name }, { bits: 'float32' });
        const own = join(folder, part, `condition_${condition}`, bearing);
        mkdirSync(own, { recursive: true });
        writeFileSync(join(own, name), bytes);
      }
    }
    bearings.push({ name: bearing, condition });
  }
  return bearings;
}

const partOf = (part: string, { name, condition }: Bearing): string =>
  join(folder, part, `condition_${condition}`, name);

function scoresOf(detector: string, path: string): number[] {
  const lines = thrum('score', path, '-d', detector, '--json').trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { score: number }).score);
}

/** AUC of worn against normal records of `heard`, for a detector that knows the early life of `known`. */
function aucOf(encoder: string, settings: readonly string[], known: Bearing, heard: Bearing): number {
  const detector = join(folder, 'detector.thrum');
  thrum('fit', partOf('fit', known), '--encoder', encoder, '--out', detector, ...settings);
  const [normal, worn] = [scoresOf(detector, partOf('normal', heard)), scoresOf(detector, partOf('worn', heard))];
  const labels = [...normal.map(() => false), ...worn.map(() => true)];
  return 100 * (rocAuc(labels, [...normal, ...worn]).value ?? Number.NaN);
}

try {
  const bearings = await unpack();
  /** One file per condition, as `--labels` reads it. */
  const table = join(folder, 'conditions.csv');
  const lines = bearings.flatMap((bearing) => {
    const fit = partOf('fit', bearing);
    return readdirSync(fit).map((file) => `${join(fit, file)},condition_${bearing.condition}`);
  });
  writeFileSync(table, `file,label\n${lines.join('\n')}\n`);
  const cosine = ['--metric', 'cosine', '--transform', 'none'];
  const tuned = (name: string, encoder: string, ...more: string[]) => {
    const run = join(folder, name);
    const args = ['finetune', 'asd', '--labels', table, '--run', run, '--encoder', encoder];
    thrum(...args, '--crop', '0.1', '--rate', '25600', '--steps', STEPS, ...more);
    return join(run, 'encoder.safetensors');
  };
  const listeners: [string, string, readonly string[]][] = [
    ['spectral, whitened', 'spectral', []],
    ['thrum-ear, cosine', 'thrum-ear', cosine],
    ['thrum-ear, whitened', 'thrum-ear', []],
    ['thrum-ear fine-tuned, cosine', tuned('all', 'thrum-ear'), cosine],
    ['thrum-ear fine-tuned without speeds, cosine', tuned('plain', 'thrum-ear', '--speeds', '1'), cosine],
    ['thrum-ear, head alone, cosine', tuned('head', 'thrum-ear', '--tune', 'head'), cosine],
    ['thrum-ear fine-tuned, whitened', join(folder, 'all', 'encoder.safetensors'), []],
  ];
  const out = [
    `# THRUM_DATA=… STEPS=${STEPS} npm run bench:femto-finetune: AUC in per cent, worn (last fifth of life) against normal (every other record of the first quarter); mean over ${bearings.length} bearings`,
    'encoder,same bearing,other bearing of the condition',
  ];
  for (const [name, encoder, settings] of listeners) {
    const same = mean(bearings.map((bearing) => aucOf(encoder, settings, bearing, bearing)));
    const pairs = bearings.flatMap((known) =>
      bearings.filter((heard) => heard !== known && heard.condition === known.condition).map((heard) => [known, heard]),
    );
    const other = mean(pairs.map(([known, heard]) => aucOf(encoder, settings, known, heard)));
    out.push([name, same.toFixed(1), other.toFixed(1)].join());
    process.stdout.write(`${out.at(-1)}\n`);
  }
  mkdirSync('results', { recursive: true });
  writeFileSync('results/femto-finetune.csv', `${out.join('\n')}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
