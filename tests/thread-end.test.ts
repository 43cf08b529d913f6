// Threads that are in ONNX Runtime when they, or the process, are to end. They load what was built: `npm test` builds first.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadProgramInWorker } from '../src/graph/executor.node.ts';
import { float32 } from '../src/graph/runtime.ts';
import { chainModel } from './chain-model.ts';
import { scratchFolder } from './run-cli.ts';

const { at } = scratchFolder();
const size = 300;
/** Busy for some hundred milliseconds. */
const longModel = () => chainModel(size, 200);

describe('a thread in the middle of a run', () => {
  const feeds = () => {
    const numbers = float32(new Float32Array(size * size).fill(1e-3), [size, size]);
    return { a: numbers, b: numbers };
  };

  it('ends without taking the process with it', async () => {
    const model = longModel();
    for (const delay of [0, 5, 20, 50, 90]) {
      const program = await loadProgramInWorker(model, { threads: 1 });
      const runs = [1, 2, 3].map(() => program.run(feeds()));
      await new Promise((resolve) => setTimeout(resolve, delay));
      const [ended] = await Promise.all([Promise.allSettled(runs), program.release()]);
      // What was begun is done; what was not is refused.
      for (const run of ended) {
        if (run.status === 'fulfilled') expect(run.value.y.data).toHaveLength(size * size);
        else expect(run.reason.message).toMatch(/released/);
      }
    }
  });

  it('leaves a process that exits its exit code', () => {
    const model = at('long.onnx');
    writeFileSync(model, longModel());
    const script = at('exit.mjs');
    writeFileSync(
      script,
      `import { readFileSync } from 'node:fs';
      import { loadProgramInWorker } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
      const program = await loadProgramInWorker(readFileSync(${JSON.stringify(model)}), { threads: 1 });
      const value = { dtype: 'float32', data: new Float32Array(${size * size}), shape: [${size}, ${size}] };
      for (let i = 0; i < 5; i++) void program.run({ a: value, b: value });
      setTimeout(() => process.exit(3), Number(process.argv[2]));`,
    );
    for (const delay of ['0', '10', '60', '110']) {
      const { status, stderr } = spawnSync(process.execPath, [script, delay], { encoding: 'utf8' });
      expect({ delay, status, stderr }).toEqual({ delay, status: 3, stderr: '' });
    }
  });
});
