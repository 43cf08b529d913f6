// The benchmark page as a reader opens it: a file, in real Chromium, without a window.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasChromium, inChromium, launchChromium } from '../../tests/chromium.ts';
import { benchFixture } from '../evaluation/tables/bench.fixture.ts';
import { renderBenchPage } from './bench-page.ts';

describe.skipIf(!hasChromium)(inChromium('benchmark page'), () => {
  let browser: Browser;
  let folder: string;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thrum-bench-'));
    await writeFile(join(folder, 'bench.html'), renderBenchPage(benchFixture()));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => request.url().startsWith('http') && complaints.push(request.url()));
    await page.goto(pathToFileURL(join(folder, 'bench.html')).href);
  });
  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  const column = (n: number) => page.locator(`#bench-table tbody tr > :nth-child(${n})`).allTextContents();
  // Behind the name stands an arrow.
  const header = (name: string) => page.getByRole('columnheader', { name: new RegExp(`^${name}`) });

  it('sorts by click and by keyboard, numbers as numbers, missing ones at the end', async () => {
    await header('CWRU').getByRole('button').click();
    expect(await header('CWRU').getAttribute('aria-sort')).toBe('descending');
    const numbers = (await column(13)).map(Number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
    expect((await column(1))[0]).toBe('spectral');

    await header('Overall').getByRole('button').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    expect(await header('Overall').getAttribute('aria-sort')).toBe('ascending');
    expect(await header('CWRU').getAttribute('aria-sort')).toBeNull();
    expect((await column(1))[0]).toBe('CED-B');
    expect((await column(1)).at(-1)).toBe('spectral');

    await header('Encoder').getByRole('button').click();
    expect((await column(1))[0]).toBe('BEATs-B');
  });

  it('changes the plot with the choice', async () => {
    const plot = (id: string) => page.locator(`.scaling-plot[data-column="${id}"]`);
    expect(await plot('overall').isVisible()).toBe(true);
    await page.locator('#scaling-column').selectOption({ label: 'FD mean' });
    expect(await plot('overall').isVisible()).toBe(false);
    expect(await plot('fd-mean').isVisible()).toBe(true);
  });

  it('keeps headings and names in sight while the table scrolls', async () => {
    await page.setViewportSize({ width: 700, height: 420 });
    const frame = page.locator('.bench-frame');
    await frame.evaluate((element) => element.scrollTo(400, 200));
    const [outer, name, title] = await Promise.all([
      frame.boundingBox(),
      page.locator('#bench-table tbody tr:nth-child(8) th').boundingBox(),
      header('Encoder').boundingBox(),
    ]);
    expect(Math.abs(name!.x - outer!.x)).toBeLessThan(2);
    expect(title!.y).toBeGreaterThanOrEqual(outer!.y - 1);
    expect(title!.y).toBeLessThan(outer!.y + 120);
  });
});
