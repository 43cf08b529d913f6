// Which kinds of operators the time of a program goes to, by ONNX Runtime's own profiler.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import type { Feeds } from '../src/graph/runtime.ts';
import { FOR_CONSTANT_WEIGHTS } from '../src/graph/session.ts';

const kinds: Record<string, string[]> = {
  products: ['Gemm', 'MatMul', 'FusedMatMul'],
  'norms and sums': ['LayerNormalization', 'ReduceSum', 'ReduceMean', 'Softmax'],
  attention: ['MultiHeadAttention'],
  moves: [
    ...['Transpose', 'Gather', 'Split', 'Concat', 'Slice', 'Pad', 'Expand', 'Reshape', 'Identity'],
    ...['ScatterND', 'ScatterElements'],
  ],
};
const OTHERS = 'functions of single numbers';
const kindOf = (op: string): string => Object.keys(kinds).find((kind) => kinds[kind].includes(op)) ?? OTHERS;

type ProfilerEvent = { cat: string; name: string; dur: number; ts: number; args?: { op_name?: string } };

/** Shares of the time in nodes, on one thread, of a model that is fed its weights; the first run does not count. */
export async function operatorSplit(model: Uint8Array, feeds: Feeds, runs = 5): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-profile-'));
  try {
    const session = await ort.InferenceSession.create(model, {
      intraOpNumThreads: 1,
      logSeverityLevel: 3,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
      extra: {
        session: { set_denormal_as_zero: '1' },
        optimization: { disable_specified_optimizers: FOR_CONSTANT_WEIGHTS },
      },
    });
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([name, { dtype, data, shape }]) => [
        name,
        new ort.Tensor(dtype, data.slice() as Float32Array, shape),
      ]),
    );
    for (let run = 0; run <= runs; run++) await session.run(inputs);
    session.endProfiling();
    await session.release();
    const [file] = readdirSync(folder);
    const events: ProfilerEvent[] = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    const starts = events.filter(({ name }) => name === 'model_run').map(({ ts }) => ts);
    const second = starts.sort((a, b) => a - b)[1];
    const sums: Record<string, number> = {};
    let total = 0;
    for (const { cat, name, dur, ts, args } of events) {
      if (cat !== 'Node' || !name.endsWith('kernel_time') || ts < second) continue;
      const kind = kindOf(args?.op_name ?? '');
      sums[kind] = (sums[kind] ?? 0) + dur;
      total += dur;
    }
    return Object.fromEntries(Object.entries(sums).map(([kind, sum]) => [kind, sum / total]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
