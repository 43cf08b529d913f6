// The page of a training run as a reader opens it: a file, in real Chromium, without a window.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, inChromium, launchChromium } from '../../tests/chromium.ts';
import { trainingConfig, trainingMetrics } from './training.fixture.ts';
import { renderTrainingPage } from './training-page.ts';

describe.skipIf(!hasChromium)(inChromium('training page'), () => {
  let browser: Browser;
  let folder: string;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thrum-training-'));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });
  afterEach(async () => {
    await page.close();
    expect(complaints.splice(0)).toEqual([]);
  });

  async function show(lines: number): Promise<void> {
    const path = join(folder, `${lines}.html`);
    const data = { title: 'run', config: trainingConfig(lines), metrics: trainingMetrics(lines) };
    await writeFile(path, renderTrainingPage(data));
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => request.url().startsWith('http') && complaints.push(request.url()));
    await page.goto(pathToFileURL(path).href);
  }

  it('shows the values under the pointer, and the last ones when it leaves', async () => {
    await show(200);
    const figure = page.locator('#learning-rate');
    const plot = figure.locator('.wide .run-plot');
    const before = await figure.locator('.run-value').textContent();
    await plot.scrollIntoViewIfNeeded();
    const box = (await plot.boundingBox())!;
    const line = (await plot.locator('.run-line').boundingBox())!;
    // 200 lines, one every 10 steps: the middle of the axis is step 1,005.
    await page.mouse.move(line.x + line.width * 0.502, box.y + box.height / 2);
    expect(await figure.locator('.run-step').textContent()).toBe('step 1,010');
    const logged = trainingMetrics(200)[100];
    expect(Number(await figure.locator('.run-value').textContent())).toBe(Number(logged.learningRate.toPrecision(4)));
    expect(await plot.locator('.cursor').getAttribute('visibility')).toBe('visible');
    const cursor = (await plot.locator('.cursor').boundingBox())!;
    expect(Math.abs(cursor.x - (line.x + line.width / 2))).toBeLessThan(3);
    await page.mouse.move(5, 5);
    expect(await figure.locator('.run-step').textContent()).toBe('last values');
    expect(await figure.locator('.run-value').textContent()).toBe(before);
  });

  it('walks along the curve by the arrow keys, raw and smoothed', async () => {
    await show(200);
    const figure = page.locator('#loss');
    await figure.locator('.wide .run-plot').focus();
    await page.keyboard.press('ArrowRight');
    expect(await figure.locator('.run-step').textContent()).toBe('step 2,000');
    await page.keyboard.press('ArrowLeft');
    expect(await figure.locator('.run-step').textContent()).toBe('step 1,990');
    const { loss } = trainingMetrics(200)[198];
    expect(await figure.locator('.run-value').first().textContent()).toMatch(
      new RegExp(`^${Number(loss.toPrecision(4))}, smoothed 0\\.\\d+$`),
    );
  });

  it.each([0, 1])('opens with %d lines, and fits a telephone', async (lines) => {
    await show(lines);
    if (lines > 0) {
      await page.locator('#decay .wide .run-plot').hover();
      expect(await page.locator('#decay .run-step').textContent()).toBe('step 10');
    }
    await page.setViewportSize({ width: 380, height: 800 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(380);
  });
});
