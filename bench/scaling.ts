// npm run bench:scaling: two processes that average their states beside one with twice the batch, and one with the same.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { echoSizes } from '../src/encoders/echo.ts';
import { openClipStream } from '../src/training/data/clip-stream.node.ts';
import { packState } from '../src/training/exchange.ts';
import { connectExchange } from '../src/training/exchange-nats.node.ts';
import { train } from '../src/training/loop.ts';
import { echoRecipe, echoRecipeDefaults } from '../src/training/recipes/echo.ts';
import { hasNatsServer, startNatsServer } from '../tests/nats-server.ts';

const BATCH = 8;
const STEPS = 150;
const SYNC_EVERY = 20;
/** Of every run: its size goes with the noise of the gradient, and that is what is compared. */
const LEARNING_RATE = 1e-3;
/** One core each: two processes on two cores are then what two hosts would be. */
const THREADS = 1;
const CLIP_SECONDS = 1.4;
const config = { ...echoSizes.tiny, width: 96, depth: 4 };

/** What one process does: told as JSON on its command line, answered as JSON on its standard output. */
type Job = { batch: number; world: number; rank: number; server?: string };
type Answer = { losses: number[]; seconds: number; stateBytes: number };

async function work({ batch, world, rank, server }: Job): Promise<Answer> {
  const recipe = echoRecipe(config, {
    ...echoRecipeDefaults,
    steps: STEPS,
    batch,
    bandsPerClip: 2,
    clones: 2,
    patches: 8,
    warmUpSteps: Math.ceil(STEPS / 10),
    // The recipe multiplies by batch / 256.
    baseLearningRate: (LEARNING_RATE * 256) / batch,
    decoderLayers: 2,
  });
  const data = {
    sources: [{ kind: 'simulator', weight: 1 } as const],
    clipSeconds: CLIP_SECONDS,
    gainDecibels: 6,
    speedFactor: 1,
  };
  const exchange =
    server === undefined
      ? undefined
      : await connectExchange({ servers: [server], group: 'bench', world, rank, settings: { batch } });
  const losses: number[] = [];
  const started = performance.now();
  const { state } = await train({
    recipe,
    steps: STEPS,
    seed: 0,
    accumulate: 1,
    clips: async function* (from, size, stride) {
      yield* await openClipStream(data, { seed: 0, from, batch: size, stride, workers: 0 });
    },
    store: {
      load: () => undefined,
      save: () => {},
      log: ({ loss }) => {
        losses.push(loss);
      },
    },
    logEvery: 1,
    saveEvery: STEPS,
    ...(exchange && { exchange, syncEvery: SYNC_EVERY }),
    runtime: { threads: THREADS },
  });
  const seconds = (performance.now() - started) / 1000;
  await exchange?.close(true);
  return { losses, seconds, stateBytes: packState(state).byteLength };
}

async function start(job: Job): Promise<Answer> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
  });
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`bench:scaling: a process ended with ${status}`);
  return JSON.parse(said);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

async function compare(): Promise<void> {
  if (!hasNatsServer) throw new Error('bench:scaling: expected nats-server on the path; Debian has it as a package');
  const folder = mkdtempSync(join(tmpdir(), 'thrum-scaling-'));
  const server = await startNatsServer(folder);
  try {
    const runs: { processes: number; batch: number; loss: number; seconds: number }[] = [];
    let stateBytes = 0;
    for (const [processes, batch] of [
      [1, 2 * BATCH],
      [2, BATCH],
      [1, BATCH],
    ]) {
      const together = processes > 1 && { server: server.url };
      const answers = await Promise.all(
        Array.from({ length: processes }, (_, rank) => start({ batch, world: processes, rank, ...together })),
      );
      stateBytes = answers[0].stateBytes;
      const run = {
        processes,
        batch,
        loss: mean(answers.flatMap(({ losses }) => losses.slice(-Math.ceil(STEPS / 10)))),
        seconds: Math.max(...answers.map(({ seconds }) => seconds)),
      };
      runs.push(run);
      process.stdout.write(
        `${processes} x ${batch} clips: loss ${run.loss.toFixed(4)} after ${run.seconds.toFixed(0)} s\n`,
      );
    }
    const result = {
      command: 'npm run bench:scaling',
      date: new Date().toISOString().slice(0, 10),
      machine: `${cpus()[0].model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`,
      work: `ECHO of width ${config.width} and depth ${config.depth}, simulated machines, ${STEPS} steps, ${THREADS} thread per process; loss of the last tenth`,
      syncEvery: SYNC_EVERY,
      stateBytes,
      // One up and one down.
      bytesPerStep: (2 * stateBytes) / SYNC_EVERY,
      runs,
    };
    mkdirSync('results', { recursive: true });
    writeFileSync('results/scaling.json', `${JSON.stringify(result, null, 2)}\n`);
    process.stdout.write('written to results/scaling.json\n');
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const [told] = process.argv.slice(2);
if (told === undefined) await compare();
else process.stdout.write(JSON.stringify(await work(JSON.parse(told))));
