// ECHO-small on 10 s at 16 kHz: front end, encoder, and the machine's own matrix-product rate, in one run.
import { randomWeights } from '../src/encoders/build.ts';
import { echoGraph, echoPatches, echoSizes } from '../src/encoders/echo.ts';
import { namedArchitectures } from '../src/encoders/load.node.ts';
import { matmul } from '../src/graph/matmul.ts';
import { toOnnx } from '../src/graph/onnx.ts';
import { loadProgram } from '../src/graph/program.ts';
import { float32 } from '../src/graph/runtime.ts';
import { toFloat32 } from '../src/graph/stored-tensor.ts';
import { input, parameter } from '../src/graph/tensor.ts';
import { createScope } from '../src/nn/parameters.ts';
import { sineCosinePositions } from '../src/nn/positions.ts';
import { echoSpectrogram } from '../src/signal/log-spectrogram.ts';
import { measure, testSignal } from './measure.ts';

const config = echoSizes.small;

/** Multiplications and additions of ECHO on `bands` sequences of `patches` patches: matrix products only. */
export function echoFlops(bands: number, patches: number, { width, depth, bandBins, patchFrames } = config): number {
  const tokens = patches + 1;
  const embedding = 2 * patches * bandBins * patchFrames * width;
  const layer = 2 * tokens * 12 * width * width + 4 * tokens * tokens * width;
  return bands * (embedding + depth * layer);
}

/** Best rate of a few square and transformer-shaped products, in GFLOP/s. */
export async function productRate(threads: number): Promise<{ rate: number; shape: string }> {
  const shapes = [
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [448, 384, 1536],
    [448, 1536, 384],
  ];
  let best = { rate: 0, shape: '' };
  for (const [m, k, n] of shapes) {
    const y = matmul(input('a', [m, k]), parameter('b', [k, n]));
    const constants = new Map([['b', Float32Array.from({ length: k * n }, (_, i) => Math.sin(i) / k)]]);
    const program = await loadProgram(toOnnx({ outputs: { y }, constants }).bytes, { threads });
    const a = float32(
      Float32Array.from({ length: m * k }, (_, i) => Math.cos(i)),
      [m, k],
    );
    const { medianMs } = await measure(() => program.run({ a }), 1);
    await program.release();
    const rate = (2 * m * k * n) / medianMs / 1e6;
    if (rate > best.rate) best = { rate, shape: `${m}x${k}x${n}` };
  }
  return best;
}

export type EncoderBench = {
  threads: number;
  frontEndMs: number;
  encoderMs: number;
  /** The same with attention from plain operators instead of one fused node. */
  plainAttentionMs: number;
  gflop: number;
  gflopPerSecond: number;
  productGflopPerSecond: number;
  productShape: string;
  shareOfProductRate: number;
  frontEndShare: number;
  realTimeFactor: number;
};

/** Medians; the product rate is measured before and after the encoder, and the higher one counts. */
export async function benchEncoder(threads: number): Promise<EncoderBench> {
  const before = await productRate(threads);
  const signal = testSignal();
  const frontEnd = await measure(() => {
    const spectrogram = echoSpectrogram(signal, 16000);
    return echoPatches(spectrogram, 0, spectrogram.frames, config);
  });
  const spectrogram = echoSpectrogram(signal, 16000);
  const { values, bands, patches, bandPositions } = echoPatches(spectrogram, 0, spectrogram.frames, config);
  const architecture = namedArchitectures.get('echo-small');
  if (!architecture || !bandPositions) throw new Error('bench: echo-small is not registered');
  const constants = new Map([...randomWeights(architecture, 0)].map(([name, tensor]) => [name, toFloat32(tensor)]));
  const compile = (fusedAttention: boolean) =>
    loadProgram(toOnnx({ outputs: echoGraph(createScope(), config, { fusedAttention }), constants }).bytes, {
      threads,
    });
  const program = await compile(true);
  const plainProgram = await compile(false);
  const feeds = {
    patches: float32(values, [bands, patches, config.bandBins * config.patchFrames]),
    positions: float32(sineCosinePositions(patches, config.width), [1, patches, config.width]),
    bandPositions: float32(bandPositions, [bands, 1, config.width]),
  };
  const encoder = await measure(() => program.run(feeds), 5);
  const plain = await measure(() => plainProgram.run(feeds), 5);
  await Promise.all([program.release(), plainProgram.release()]);
  const after = await productRate(threads);
  const product = after.rate > before.rate ? after : before;
  const flops = echoFlops(bands, patches);
  const rate = flops / encoder.medianMs / 1e6;
  return {
    threads,
    frontEndMs: frontEnd.medianMs,
    encoderMs: encoder.medianMs,
    plainAttentionMs: plain.medianMs,
    gflop: flops / 1e9,
    gflopPerSecond: rate,
    productGflopPerSecond: product.rate,
    productShape: product.shape,
    shareOfProductRate: rate / product.rate,
    frontEndShare: frontEnd.medianMs / (frontEnd.medianMs + encoder.medianMs),
    realTimeFactor: 10_000 / (frontEnd.medianMs + encoder.medianMs),
  };
}
