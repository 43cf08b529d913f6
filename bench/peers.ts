// npm run bench:peers: the same architecture, weights and inputs in PyTorch, and kNN in faiss; in turn, in one run.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { nearestNeighbours } from '../src/detection/knn.ts';
import { randomWeights } from '../src/encoders/build.ts';
import { echoGraph, echoPatches, echoSizes } from '../src/encoders/echo.ts';
import { namedArchitectures } from '../src/encoders/load.node.ts';
import { toOnnx } from '../src/graph/onnx.ts';
import { loadProgram } from '../src/graph/program.ts';
import { float32 } from '../src/graph/runtime.ts';
import { writeSafetensors } from '../src/graph/safetensors.ts';
import { type StoredTensor, toFloat32 } from '../src/graph/stored-tensor.ts';
import { createScope } from '../src/nn/parameters.ts';
import { sineCosinePositions } from '../src/nn/positions.ts';
import { echoSpectrogram } from '../src/signal/log-spectrogram.ts';
import { numbers } from './knn.ts';
import { measure, median, testSignal } from './measure.ts';
import { startPeer } from './peer-process.ts';

const ROUNDS = 5;
const SECONDS = 2;
const threads = availableParallelism();
const config = echoSizes.small;
const KNN = { rows: 100_000, columns: 2688, queries: 256 };

const tensor = (data: Float32Array, shape: number[]): StoredTensor => ({ dtype: 'F32', shape, data });

const folder = mkdtempSync(join(tmpdir(), 'thrum-peers-'));
try {
  const architecture = namedArchitectures.get('echo-small');
  if (!architecture) throw new Error('bench:peers: echo-small is not registered');
  const weights = randomWeights(architecture, 0);
  const signal = testSignal();
  const spectrogram = echoSpectrogram(signal, 16000);
  const cut = echoPatches(spectrogram, 0, spectrogram.frames, config);
  const positions = sineCosinePositions(cut.patches, config.width);
  const bandPositions = cut.bandPositions as Float32Array;
  // [bands, patches, 32, 16] -> [bands, 32, patches * 16], as the reference convolution wants it.
  const bands = new Float32Array(cut.values.length);
  const { bandBins, patchFrames } = config;
  for (let i = 0; i < bands.length; i++) {
    const [t, f] = [i % patchFrames, Math.floor(i / patchFrames) % bandBins];
    const [p, b] = [
      Math.floor(i / (patchFrames * bandBins)) % cut.patches,
      Math.floor(i / (patchFrames * bandBins * cut.patches)),
    ];
    bands[(b * bandBins + f) * cut.patches * patchFrames + p * patchFrames + t] = cut.values[i];
  }
  const bank = { values: numbers(KNN.rows * KNN.columns), rows: KNN.rows, columns: KNN.columns };
  const queries = { values: numbers(KNN.queries * KNN.columns), rows: KNN.queries, columns: KNN.columns };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'weights.safetensors'), writeSafetensors(weights));
  writeFileSync(
    join(folder, 'inputs.safetensors'),
    writeSafetensors(
      new Map([
        ['bands', tensor(bands, [cut.bands, bandBins, cut.patches * patchFrames])],
        ['positions', tensor(positions, [1, cut.patches, config.width])],
        ['bandPositions', tensor(bandPositions, [cut.bands, 1, config.width])],
        ['signal', tensor(signal, [signal.length])],
        ['bank', tensor(bank.values, [bank.rows, bank.columns])],
        ['queries', tensor(queries.values, [queries.rows, queries.columns])],
      ]),
    ),
  );
  const constants = new Map([...weights].map(([name, stored]) => [name, toFloat32(stored)]));
  const program = await loadProgram(toOnnx({ outputs: echoGraph(createScope(), config), constants }).bytes, {
    threads,
  });
  const feeds = {
    patches: float32(cut.values, [cut.bands, cut.patches, bandBins * patchFrames]),
    positions: float32(positions, [1, cut.patches, config.width]),
    bandPositions: float32(bandPositions, [cut.bands, 1, config.width]),
  };
  const { ask, end } = startPeer('bench/peers/peers.py', folder, threads);
  const versions = await ask({ kind: 'versions' });

  const own = (await program.run(feeds)).cls.data as Float32Array;
  const theirs = (await ask({ kind: 'embedding' })).values;
  const difference = theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - own[i])), 0);

  const work: Record<string, { thrum: () => unknown; peers: Record<string, string> }> = {
    'ECHO-small encoder, 10 s at 16 kHz': {
      thrum: () => program.run(feeds),
      peers: { PyTorch: 'encoder', 'PyTorch compiled': 'compiled' },
    },
    'ECHO front end, 10 s at 16 kHz': { thrum: () => echoSpectrogram(signal, 16000), peers: { PyTorch: 'frontEnd' } },
    [`kNN, ${KNN.queries} queries in ${KNN.rows} x ${KNN.columns}`]: {
      thrum: () => nearestNeighbours(bank, queries, { k: 5, metric: 'euclidean' }),
      peers: { faiss: 'knn' },
    },
  };
  const rows: { work: string; peer: string; thrumMs: number; peerMs: number; speedUp: number }[] = [];
  for (const [name, { thrum, peers }] of Object.entries(work)) {
    for (const [peer, kind] of Object.entries(peers)) {
      const [thrumTimes, peerTimes]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        thrumTimes.push((await measure(thrum, SECONDS)).medianMs);
        peerTimes.push((await ask({ kind, seconds: SECONDS })).ms);
      }
      const ratios = thrumTimes.map((ms, i) => peerTimes[i] / ms);
      rows.push({ work: name, peer, thrumMs: median(thrumTimes), peerMs: median(peerTimes), speedUp: median(ratios) });
      const last = rows[rows.length - 1];
      process.stdout.write(
        `${name}: Thrum ${last.thrumMs.toFixed(1)} ms, ${peer} ${last.peerMs.toFixed(1)} ms, ratio ${last.speedUp.toFixed(2)}\n`,
      );
    }
  }
  end();
  await program.release();
  process.stdout.write(`largest difference of the embeddings: ${difference.toExponential(1)}\n`);
  mkdirSync('results', { recursive: true });
  const machine = `${cpus()[0].model.trim()}, ${threads} cores, Node ${process.versions.node}`;
  const result = {
    command: 'npm run bench:peers',
    date: new Date().toISOString().slice(0, 10),
    machine,
    torch: versions.torch,
    faiss: versions.faiss,
    threads,
    embeddingDifference: difference,
    rows,
  };
  writeFileSync('results/peers.json', `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write('written to results/peers.json\n');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
