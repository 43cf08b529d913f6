// The command as a user types it: thrum score on one file, and on many.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { simulate } from '../src/signal/simulate/index.ts';

export type ScoreRun = {
  encoder: string;
  files: number;
  secondsEach: number;
  wallSeconds: number;
  filesPerSecond: number;
  peakMiB: number;
};

const CLI = new URL('../cli/main.js', import.meta.url).pathname;

/** Runs the command line and measures the whole process: wall time here, peak memory as it reports itself. */
function timed(args: string[]): { wallSeconds: number; peakMiB: number } {
  const hook = 'process.on("exit",()=>process.stderr.write("\\nPEAK "+process.resourceUsage().maxRSS))';
  const started = performance.now();
  const result = spawnSync(process.execPath, ['--import', `data:text/javascript,${hook}`, CLI, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const wallSeconds = (performance.now() - started) / 1000;
  if (result.status !== 0) throw new Error(`bench: thrum ${args[0]} ended with ${result.status}: ${result.stderr}`);
  return { wallSeconds, peakMiB: Number(/PEAK (\d+)/.exec(result.stderr)?.[1]) / 1024 };
}

/** `files` simulated recordings of 10 s at 16 kHz, scored on a detector fitted on 12 of them. */
export function benchScore(encoders: readonly string[], counts: readonly number[]): ScoreRun[] {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-bench-'));
  try {
    const all = join(folder, 'all');
    mkdirSync(all);
    const most = Math.max(...counts, 12);
    const paths = Array.from({ length: most }, (_, i) => {
      const path = join(all, `${String(i).padStart(5, '0')}.wav`);
      // A few different recordings, written many times: decoding and encoding do not know the difference.
      const { recording } = simulate({ machine: 'fan', seed: i % 16, seconds: 10, sampleRate: 16000 });
      writeFileSync(path, writeWav(recording));
      return path;
    });
    return encoders.flatMap((encoder) => {
      const detector = join(folder, `${encoder}.thrum`);
      timed(['fit', ...paths.slice(0, 12), '--out', detector, '--encoder', encoder]);
      return counts.map((files) => {
        const runs = files === 1 ? 5 : 1;
        const results = Array.from({ length: runs }, () =>
          timed(['score', ...paths.slice(0, files), '--detector', detector, '--csv']),
        );
        results.sort((a, b) => a.wallSeconds - b.wallSeconds);
        const { wallSeconds, peakMiB } = results[runs >> 1];
        return { encoder, files, secondsEach: 10, wallSeconds, filesPerSecond: files / wallSeconds, peakMiB };
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
