import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'cli/main': 'src/cli/main.ts',
    'cli/demo': 'src/cli/demo.ts',
    'graph/executor-worker.node': 'src/graph/executor-worker.node.ts',
    'encoders/embed-worker.node': 'src/encoders/embed-worker.node.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outExtensions: () => ({ js: '.js' }),
  dts: true,
  clean: true,
  logLevel: 'warn',
});
