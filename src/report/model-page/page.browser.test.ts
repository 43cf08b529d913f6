// The page of a model as a reader opens it: a file, in real Chromium, that hears files and a microphone.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasChromium, inChromium, launchChromium } from '../../../tests/chromium.ts';
import { loadEncoder } from '../../encoders/load.node.ts';
import type { Encoder } from '../../encoders/types.ts';
import { readRecordings } from '../../signal/readers/index.ts';
import { pickChannel } from '../../signal/segments.ts';
import { MACHINES, machine, RATE, takeTurns, writeClassifier, writeEncoder, writeSound } from './model-page.fixture.ts';
import { modelPage } from './page.node.ts';

/** Preparing the model and hearing the sounds of these tests take a few seconds; a busy machine takes its time. */
const PATIENCE = 90_000;
const goldens = join(import.meta.dirname, '../../../tests/golden/audio');

describe.skipIf(!hasChromium)(inChromium('page of a model'), { timeout: 5 * PATIENCE }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-model-page-'));
  const at = (name: string): string => join(folder, name);
  const classifier = at('classifier.html');
  const plain = at('encoder.html');
  let encoder: Encoder;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    await writeClassifier(at('classifier.safetensors'));
    writeEncoder(at('encoder.safetensors'));
    for (const [path, name] of [
      [classifier, 'classifier'],
      [plain, 'encoder'],
    ]) {
      writeFileSync(path, modelPage({ weights: readFileSync(at(`${name}.safetensors`)), title: name }));
    }
    encoder = await loadEncoder({ encoder: at('classifier.safetensors') });
    const played = writeSound(folder, 'microphone.wav', {
      channels: [machine('fan', 5)],
      sampleRate: RATE,
      name: 'fan',
    });
    browser = await launchChromium([
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${played}`,
    ]);
  }, 2 * PATIENCE);
  afterAll(async () => {
    await browser?.close();
    await encoder?.release();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
    page.setDefaultTimeout(PATIENCE);
    complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.isNavigationRequest()) complaints.push(request.url());
    });
  });
  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  const open = async (path: string): Promise<void> => {
    await page.goto(pathToFileURL(path).href);
    await page.locator('#choose:enabled').waitFor();
  };
  /** The line of the status comes first; the rest is drawn with the next picture. */
  const heard = async (path: string): Promise<void> => {
    await page.locator('#status', { hasText: new RegExp(`^${basename(path)}:`) }).waitFor();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  };
  const choose = async (path: string): Promise<void> => {
    await page.setInputFiles('#file', path);
    await heard(path);
  };
  /** What stands behind the rows, by label. */
  const logitsShown = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      await page
        .locator('.track-value[data-logit]')
        .evaluateAll((rows) =>
          rows.map((row) => [(row as HTMLElement).dataset.label, Number((row as HTMLElement).dataset.logit)]),
        ),
    );
  /** Largest difference between the page's logits and those in Node. */
  const difference = async (path: string): Promise<number> => {
    const [recording] = await readRecordings(readFileSync(path), { name: basename(path) });
    const { logits } = await encoder.embed(pickChannel(recording, 0)[0]);
    const shown = await logitsShown();
    return Math.max(...MACHINES.map((label, c) => Math.abs(shown[label] - (logits?.[c] ?? Number.NaN))));
  };

  it('labels a chosen file as Node does, as a whole and second by second', async () => {
    await open(classifier);
    const turns = writeSound(folder, 'turns.wav', takeTurns(['slide-rail', 2], ['fan', 5], ['pump', 3]));
    await choose(turns);
    expect(await difference(turns)).toBeLessThan(1e-4);
    expect(await page.locator('#verdict').textContent()).toMatch(/^fan\d+ %$/);
    expect(await page.locator('.lane span').allTextContents()).toEqual(['slide-rail', 'fan', 'pump']);
    await page.getByText('As a table').click();
    const rows = await page.locator('#seconds tbody tr td:nth-child(3)').allTextContents();
    expect(rows).toEqual([...Array(2).fill('slide-rail'), ...Array(5).fill('fan'), ...Array(3).fill('pump')]);
    expect(await page.locator('#foot').textContent()).toMatch(/^[\d.,]+ ms for a second of sound/);
    const colours = await page.locator('.sound').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
    expect(colours).toBeGreaterThan(50);
  });

  it.each([
    'squares-24bit-97656hz.flac',
    'squares-16bit-12khz.oga',
    'sine1k.ogg',
    'sine1k.opus',
    'sine1k.mp3',
  ])('hears %s, dropped on it', async (name) => {
    await open(classifier);
    const bytes = readFileSync(join(goldens, name)).toString('base64');
    const transfer = await page.evaluateHandle(
      ([base64, file]) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], file));
        return data;
      },
      [bytes, name],
    );
    await page.dispatchEvent('#drop', 'dragover', { dataTransfer: transfer });
    expect(await page.locator('#drop.over').count()).toBe(1);
    await page.dispatchEvent('#drop', 'drop', { dataTransfer: transfer });
    await heard(name);
    expect(await page.locator('#drop.over').count()).toBe(0);
    expect(await difference(join(goldens, name))).toBeLessThan(1e-4);
  });

  it('says in one line what it cannot read, and hears the next file', async () => {
    await open(classifier);
    writeFileSync(at('sound.gz'), Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0));
    await page.setInputFiles('#file', at('sound.gz'));
    const problem = page.getByRole('alert');
    await problem.waitFor();
    expect(await problem.textContent()).toMatch(/^readRecordings: .*gzip archive \(sound\.gz\); unpack it first$/);
    expect(await page.locator('#result').isVisible()).toBe(false);
    await choose(writeSound(folder, 'fan.wav', takeTurns(['fan', 1])));
    expect(await problem.isVisible()).toBe(false);
    expect(await page.locator('#verdict').textContent()).toMatch(/^fan/);
  });

  it('listens to the microphone until it is told to stop', async () => {
    await open(classifier);
    await page.getByRole('button', { name: 'Use the microphone' }).click();
    await page.locator('#verdict', { hasText: /^fan/ }).waitFor();
    expect(Number(await page.getByRole('meter').getAttribute('aria-valuenow'))).toBeGreaterThan(-60);
    const before = await logitsShown();
    await page.waitForFunction(
      (old) => document.querySelector<HTMLElement>('.track-value[data-logit]')?.dataset.logit !== String(old),
      Object.values(before)[0],
    );
    expect(Object.keys(before)).toEqual([...MACHINES]);
    const stop = page.getByRole('button', { name: 'Stop listening', pressed: true });
    await stop.click();
    expect(await page.getByRole('meter').isVisible()).toBe(false);
    expect(await page.locator('#status').textContent()).toBe('Stopped.');
    expect(await page.locator('#source').textContent()).toMatch(/^Microphone, [\d.]+ kHz$/);
  });

  it('measures how far sounds lie from what was marked as normal', async () => {
    await open(plain);
    await choose(writeSound(folder, 'normal.wav', takeTurns(['fan', 8])));
    expect(await page.locator('#verdict').textContent()).toBe('Nothing is normal yet');
    await page.getByRole('button', { name: 'Mark this as normal' }).click();
    await page.locator('#verdict', { hasText: 'Like normal' }).waitFor();
    expect(await page.locator('#normal-state').textContent()).toBe('8 normal windows known.');
    await choose(writeSound(folder, 'broken.wav', takeTurns(['slide-rail', 4])));
    expect(await page.locator('#verdict').textContent()).toMatch(/^Unlike normal in 4 of 4 s/);
    await page.getByRole('button', { name: 'Use the microphone' }).click();
    // ECHO has an embedding of its own for every rate.
    await page.locator('#verdict', { hasText: 'Nothing to compare with' }).waitFor();
    await page.getByRole('button', { name: 'Mark this as normal' }).click();
    await page.locator('#normal-state', { hasText: /^(9|\d\d) / }).waitFor();
    await page.getByRole('button', { name: 'Forget it' }).click();
    await page.locator('#verdict', { hasText: 'Nothing is normal yet' }).waitFor();
  });

  it('is worked by keyboard', async () => {
    await open(classifier);
    // The dialog is the browser's own: what counts is that it was asked for, and may be, as after a click.
    await page.evaluate(() => {
      const input = document.querySelector<HTMLElement>('#file')!;
      input.addEventListener(
        'click',
        (event) => {
          event.preventDefault();
          input.dataset.asked = String(navigator.userActivation.isActive);
        },
        { once: true },
      );
    });
    await page.keyboard.press('Tab');
    await page.locator('#choose:focus').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('#file[data-asked="true"]').waitFor({ state: 'attached' });
    await choose(writeSound(folder, 'keys.wav', takeTurns(['fan', 1])));
    await page.keyboard.press('Tab');
    await page.locator('#microphone:focus').waitFor();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Stop listening' }).waitFor();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Use the microphone' }).waitFor();
  });

  it('asks a static host for nothing but itself', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.setHeader('content-type', 'text/html').end(readFileSync(classifier));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/student.html`);
    await page.locator('#choose:enabled').waitFor();
    await choose(writeSound(folder, 'hosted.wav', takeTurns(['fan', 1])));
    await page.getByRole('button', { name: 'Use the microphone' }).click();
    await page.locator('#verdict', { hasText: /^fan/ }).waitFor();
    await page.goto('about:blank');
    expect(asked).toEqual(['/student.html']);
    server.closeAllConnections();
    server.close();
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await open(classifier);
    await choose(writeSound(folder, 'narrow.wav', takeTurns(['fan', 2], ['pump', 2])));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });
});
