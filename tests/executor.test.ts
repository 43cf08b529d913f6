// Worker threads load what was built: `npm test` builds first.
import { expect, it } from 'vitest';
import { loadProgramInWorker } from '../src/graph/executor.node.ts';
import { loadProgram } from '../src/graph/program.ts';
import { float32 } from '../src/graph/runtime.ts';
import { chainModel } from './chain-model.ts';

const size = 640;
const product = () => chainModel(size, 40);
const numbers = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i) / size);
const feeds = { a: float32(numbers, [size, size]), b: float32(numbers, [size, size]) };

it('computes what the same program computes on this thread, while this thread goes on', async () => {
  const [here, there] = [await loadProgram(product()), await loadProgramInWorker(product())];
  const expected = await here.run(feeds);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const { y } = await there.run(feeds);
  clearInterval(timer);
  expect(y.shape).toEqual([size, size]);
  expect(y.data).toEqual(expected.y.data);
  expect(ticks).toBeGreaterThan(1);
  // The caller's numbers are still its own.
  expect(numbers.length).toBe(size * size);
  await Promise.all([here.release(), there.release()]);
});

it('keeps runs in order and passes errors on', async () => {
  const program = await loadProgramInWorker(product());
  const wrong = program.run({ a: float32(numbers, [size, size]) });
  const right = program.run(feeds);
  await expect(wrong).rejects.toThrow(/b/);
  await expect(right).resolves.toHaveProperty('y');
  await program.release();
  await expect(loadProgramInWorker(new Uint8Array([1, 2, 3]))).rejects.toThrow(/could not prepare the model/);
});

it('rejects runs that are cut off by a release', async () => {
  const program = await loadProgramInWorker(product());
  const running = program.run(feeds);
  const outcome = expect(running).rejects.toThrow(/released/);
  await program.release();
  await outcome;
});

it('writes results into shared memory, and takes no other', async () => {
  const there = await loadProgramInWorker(product());
  const { y } = await there.run(feeds);
  const shared = new Float32Array(new SharedArrayBuffer(4 * size * size));
  expect(await there.run(feeds, { y: float32(shared, [size, size]) })).toEqual({});
  expect(shared).toEqual(y.data);
  const plain = float32(numbers.slice(), [size, size]);
  await expect(there.run(feeds, { y: plain })).rejects.toThrow(/shared/);
  await there.release();
});
