import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsdown';

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
      'graph/executor-worker.node': 'src/graph/executor-worker.node.ts',
      'encoders/embed-worker.node': 'src/encoders/embed-worker.node.ts',
      'training/data/clip-worker.node': 'src/training/data/clip-worker.node.ts',
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
    // The same function names, from the runtime of the platform.
    alias: {
      [fileURLToPath(new URL('src/graph/program.node.ts', import.meta.url))]: fileURLToPath(
        new URL('src/graph/program.browser.ts', import.meta.url),
      ),
    },
  },
]);
