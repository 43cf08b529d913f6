// Builds the page into dist/web-app: plain files with relative addresses, for `thrum serve` and for any web host.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** What the browser needs of the library: its own runtime, ONNX Runtime without code for GPUs, no concealment of lost packets. */
const alias = [
  { find: /^\.\/program\.node\.ts$/, replacement: pathOf('../src/graph/program.browser.ts') },
  { find: /^onnxruntime-web$/, replacement: 'onnxruntime-web/wasm' },
  { find: /^@wasm-audio-decoders\/opus-ml$/, replacement: pathOf('src/local/no-opus-ml.ts') },
];

export default defineConfig({
  root: pathOf('.'),
  base: './',
  logLevel: 'warn',
  resolve: { alias },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: pathOf('../dist/web-app'),
    emptyOutDir: true,
    target: 'es2023',
    // A data: address in a style sheet or script would be one more thing for the content policy to allow.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 8000,
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  worker: { format: 'es', rolldownOptions: { checks: { pluginTimings: false } } },
});
