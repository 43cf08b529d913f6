// npm run bench:mild-faults: how many mild faults detectors find, by encoder: simulated machines that no encoder has heard.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rocAuc } from '../src/evaluation/metrics/roc.ts';

const MACHINES = ['bearing', 'gearbox', 'pump', 'fan', 'motor'] as const;
const ENCODERS = ['spectral', 'thrum-1'] as const;
const SEVERITY = '0.25';

type Row = { score: number; anomalous: boolean };

const folder = mkdtempSync(join(tmpdir(), 'thrum-mild-'));
const thrum = (...args: string[]): string =>
  execFileSync(process.execPath, ['dist/cli/main.js', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
const percent = (values: readonly boolean[]): number => (100 * values.filter(Boolean).length) / values.length;

try {
  const lines = ['encoder,machine,auc,mild_faults_found_percent,false_alarms_percent'];
  for (const machine of MACHINES) {
    const at = (part: string) => join(folder, machine, part);
    const simulate = (part: string, seed: string, ...more: string[]) =>
      thrum('simulate', at(part), '--machine', machine, '--seconds', '3', '--seed', seed, ...more);
    simulate('fit', '11', '--count', '30');
    simulate('healthy', '22', '--count', '30');
    simulate('faulty', '33', '--count', '8', '--fault', 'all', '--severity', SEVERITY);
    for (const encoder of ENCODERS) {
      const detector = join(folder, 'detector.thrum');
      thrum('fit', at('fit'), '--encoder', encoder, '--out', detector);
      const score = (part: string): Row[] =>
        thrum('score', at(part), '-d', detector, '--json')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
      const [healthy, all] = [score('healthy'), score('faulty') as (Row & { file: string })[]];
      const faulty = all.filter(({ file }) => !/[/\\]normal[/\\]/.test(file));
      const labels = [...healthy.map(() => 0), ...faulty.map(() => 1)];
      const auc = rocAuc(
        labels.map((label) => label === 1),
        [...healthy, ...faulty].map((row) => row.score),
      );
      const figures = [
        100 * (auc.value ?? Number.NaN),
        percent(faulty.map((f) => f.anomalous)),
        percent(healthy.map((h) => h.anomalous)),
      ];
      lines.push([encoder, machine, ...figures.map((value) => value.toFixed(1))].join());
      process.stdout.write(`${lines.at(-1)}\n`);
    }
  }
  mkdirSync('results', { recursive: true });
  const head = `# npm run bench:mild-faults: 30 normal recordings of 3 s fitted, severity ${SEVERITY}, false-alarm rate 1 %`;
  writeFileSync('results/mild-faults.csv', `${[head, ...lines].join('\n')}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
