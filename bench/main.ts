// npm run bench: what Thrum costs on this machine. Prints a table and writes results/bench.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { benchEncoder } from './encoder.ts';
import { benchKnn } from './knn.ts';
import { benchScore } from './score-run.ts';

const threads = availableParallelism();
const machine = `${cpus()[0].model.trim()}, ${threads} cores, Node ${process.versions.node}`;
const line = (name: string, value: string) => process.stdout.write(`${name.padEnd(46)}${value}\n`);

line('machine', machine);
const encoder = await benchEncoder(threads);
line('matrix product (best shape)', `${encoder.productGflopPerSecond.toFixed(0)} GFLOP/s (${encoder.productShape})`);
line(
  'ECHO-small, 10 s at 16 kHz: front end',
  `${encoder.frontEndMs.toFixed(1)} ms, ${(100 * encoder.frontEndShare).toFixed(1)} % of the whole`,
);
line(
  'ECHO-small, 10 s at 16 kHz: encoder',
  `${encoder.encoderMs.toFixed(1)} ms, ${encoder.gflopPerSecond.toFixed(0)} GFLOP/s, ${(100 * encoder.shareOfProductRate).toFixed(0)} % of the matrix product`,
);
line('ECHO-small, attention from plain operators', `${encoder.plainAttentionMs.toFixed(1)} ms`);
line('ECHO-small: real-time factor', `${encoder.realTimeFactor.toFixed(0)} x`);
const knn = await benchKnn();
line(
  `kNN, ${knn.queries} queries in ${knn.rows} x ${knn.columns}`,
  `${knn.medianMs.toFixed(0)} ms, ${knn.gflopPerSecond.toFixed(0)} GFLOP/s, ${knn.msPerQuery.toFixed(2)} ms a query`,
);
const score = [...benchScore(['spectral'], [1, 1000]), ...benchScore(['echo-small@random'], [1, 100])];
for (const run of score) {
  line(
    `thrum score, ${run.encoder}, ${run.files} x ${run.secondsEach} s`,
    `${run.wallSeconds.toFixed(2)} s, ${run.filesPerSecond.toFixed(1)} files/s, peak ${run.peakMiB.toFixed(0)} MiB`,
  );
}
mkdirSync('results', { recursive: true });
const result = { command: 'npm run bench', date: new Date().toISOString().slice(0, 10), machine, encoder, knn, score };
writeFileSync('results/bench.json', `${JSON.stringify(result, null, 2)}\n`);
line('written', 'results/bench.json');
