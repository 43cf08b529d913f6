// The library in a real browser: the built browser entry, bundled, fits and scores with ONNX Runtime's WebAssembly build.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildEncoder, recogniseWeights } from '../src/encoders/build.ts';
import type { StoredTensor } from '../src/graph/stored-tensor.ts';
import { simulate } from '../src/signal/simulate/index.ts';
import { hasChromium, inChromium, launchChromium } from './chromium.ts';
import { readGolden } from './golden.ts';

const wasmFolder = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
/** Makes the library a global of the page: a bundler must not touch the import inside `evaluate`. */
const PAGE =
  '<!doctype html><title>thrum</title><script type="module">import * as thrum from "./thrum.js"; window.thrum = thrum;</script>';

type Library = typeof import('../src/browser.ts');

const types: Record<string, string> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

describe.skipIf(!hasChromium)(inChromium('library'), () => {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-web-'));
  let server: Server;
  let browser: Browser;
  let origin = '';

  beforeAll(async () => {
    await build({
      configFile: false,
      logLevel: 'error',
      root: join(import.meta.dirname, '..'),
      build: {
        outDir: folder,
        emptyOutDir: true,
        target: 'es2023',
        minify: false,
        lib: { entry: 'dist/web/browser.js', formats: ['es'], fileName: () => 'thrum.js' },
      },
    });
    server = createServer((request, response) => {
      const name = decodeURIComponent((request.url ?? '/').slice(1).split('?')[0]);
      if (name === '' || name === 'favicon.ico') {
        response.setHeader('content-type', 'text/html').end(PAGE);
        return;
      }
      const path = [join(folder, name), join(wasmFolder, name), join(import.meta.dirname, 'golden', name)].find(
        (candidate) => existsSync(candidate),
      );
      if (!path) {
        response.writeHead(404).end();
        return;
      }
      response.setHeader('content-type', types[extname(name)] ?? 'application/octet-stream').end(readFileSync(path));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await launchChromium();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('embeds a golden checkpoint as Node does, and scores with the same detector', async () => {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(origin);
    await page.waitForFunction('window.thrum');
    const inPage = await page.evaluate(async (base) => {
      const { thrum } = window as unknown as { thrum: Library };
      const bytes = new Uint8Array(await (await fetch(`${base}echo/mini64.weights.safetensors`)).arrayBuffer());
      const { tensors } = thrum.readSafetensors(bytes);
      const encoder = await thrum.buildEncoder('mini64', thrum.recogniseWeights(tensors, { heads: 2 }), tensors);
      const { recording } = thrum.simulate({ machine: 'fan', seed: 1, seconds: 1, sampleRate: 16000 });
      const { vector } = await encoder.embed(recording);
      const spectral = thrum.createSpectral('spectral', thrum.spectralSettings.spectral);
      const segments = [];
      for (let i = 0; i < 8; i++) {
        const normal = thrum.simulate({ machine: 'fan', seed: `n${i}`, seconds: 1, sampleRate: 16000 }).recording;
        const embedding = await spectral.embed(normal);
        segments.push({ entry: { file: `n${i}`, startSeconds: 0, durationSeconds: 1 }, vector: embedding.vector });
      }
      const { bands } = await spectral.embed(recording);
      const detector = await thrum.fitDetector({
        encoder: spectral,
        signal: { sampleRate: 16000, channel: 0, segmentSeconds: null },
        segments,
        bands,
      });
      const again = await thrum.readDetector(await thrum.writeDetector(detector));
      const verdict = await thrum.createScorer(again).score([(await spectral.embed(recording)).vector]);
      return { vector: [...vector], fingerprint: encoder.fingerprint, score: verdict.score, pValue: verdict.pValue };
    }, origin);
    await page.close();
    expect(problems).toEqual([]);
    const weights = readGolden('echo/mini64.weights.safetensors') as Map<string, StoredTensor>;
    const encoder = await buildEncoder('mini64', recogniseWeights(weights, { heads: 2 }), weights);
    const { recording } = simulate({ machine: 'fan', seed: 1, seconds: 1, sampleRate: 16000 });
    const { vector } = await encoder.embed(recording);
    expect(inPage.vector).toHaveLength(vector.length);
    expect(Math.max(...inPage.vector.map((value, i) => Math.abs(value - vector[i])))).toBeLessThan(1e-4);
    expect(inPage.fingerprint).toBe(encoder.fingerprint);
    expect(inPage.score).toBeGreaterThan(0);
    expect(inPage.pValue).toBeGreaterThan(0);
  });
});
