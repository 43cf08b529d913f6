import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'tsdown';

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
/** The same function names, from the runtime of the platform. */
const inBrowser = { [pathOf('src/graph/program.node.ts')]: pathOf('src/graph/program.browser.ts') };
/** One self-contained script, to be written into an HTML file. */
const inPage = {
  format: 'iife',
  logLevel: 'warn',
  platform: 'browser',
  target: 'es2023',
  clean: false,
  outDir: 'dist/web',
  minify: true,
  // 4 MB that conceal lost packets of a call, and are never asked for.
  deps: { alwaysBundle: /./, neverBundle: '@wasm-audio-decoders/opus-ml', onlyBundle: false },
  outputOptions: { codeSplitting: false, entryFileNames: '[name].js' },
  // Nothing in a page has an address.
  checks: { emptyImportMeta: false, pluginTimings: false },
  // ONNX Runtime without its code for GPUs, its loader inside.
  alias: { ...inBrowser, 'onnxruntime-web': 'onnxruntime-web/wasm' },
} as const;

const shared = {
  format: 'esm',
  outExtensions: () => ({ js: '.js' }),
  dts: true,
  logLevel: 'warn',
} as const;

export default defineConfig([
  {
    ...shared,
    entry: {
      index: 'src/index.ts',
      'cli/main': 'src/cli/main.ts',
      'cli/demo': 'src/cli/demo.ts',
      'bench/main': 'bench/main.ts',
      'bench/peers': 'bench/peers.ts',
      'bench/detection': 'bench/detection.ts',
      'bench/training': 'bench/training.ts',
      'bench/mild-faults': 'bench/mild-faults.ts',
      'bench/femto-finetune': 'bench/femto-finetune.ts',
      'bench/finetune': 'bench/finetune.ts',
      'bench/student-training': 'bench/student-training.ts',
      'bench/scaling': 'bench/scaling.ts',
      'bench/load': 'bench/load.ts',
      'bench/queries': 'bench/queries.ts',
      'bench/service': 'bench/service.ts',
      'graph/executor-worker.node': 'src/graph/executor-worker.node.ts',
      'encoders/embed-worker.node': 'src/encoders/embed-worker.node.ts',
      'monitor/hearing/worker.node': 'src/monitor/hearing/worker.node.ts',
      'training/data/clip-worker.node': 'src/training/data/clip-worker.node.ts',
      'training/update-worker.node': 'src/training/update-worker.node.ts',
      'monitor/store/store-worker.node': 'src/monitor/store/store-worker.node.ts',
    },
    platform: 'node',
    target: 'node20',
    clean: true,
  },
  {
    ...shared,
    entry: { browser: 'src/browser.ts' },
    platform: 'browser',
    target: 'es2023',
    clean: false,
    outDir: 'dist/web',
    alias: inBrowser,
  },
  { ...inPage, entry: { 'model-page': 'src/report/model-page/client.ts' } },
  {
    ...inPage,
    entry: { 'model-worker': 'src/report/model-page/worker.ts' },
    onSuccess: () => {
      const runtime = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
      writeFileSync(pathOf('dist/web/onnxruntime.wasm.gz'), gzipSync(readFileSync(runtime), { level: 9 }));
    },
  },
]);
