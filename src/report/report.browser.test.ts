// The report as a reader opens it: a file, in real Chromium, without a window.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasChromium, inChromium, launchChromium } from '../../tests/chromium.ts';
import { colourStops, colourTable } from './colour-map.ts';
import { curveFixture, reportFixture, rowFixture } from './report.fixture.ts';
import { renderReport } from './report.ts';
import type { ReportData } from './types.ts';

describe.skipIf(!hasChromium)(inChromium('report'), () => {
  let browser: Browser;
  let folder: string;
  let page: Page;
  let complaints: string[];
  let requests: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thrum-report-'));
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    complaints = [];
    requests = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
  });
  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('data:') && !url.startsWith(pathToFileURL(folder).href))).toEqual(
      [],
    );
  });

  const open = async (data: ReportData): Promise<void> => {
    const file = join(folder, 'report.html');
    await writeFile(file, renderReport(data));
    await page.goto(pathToFileURL(file).href);
  };
  const column = (n: number) => page.locator(`#recordings-table tbody tr > :nth-child(${n})`).allTextContents();
  const isOpen = (i: number) => page.locator(`#detail-${i}`).evaluate((detail: HTMLDetailsElement) => detail.open);

  it('says the verdict first', async () => {
    await open(reportFixture({ curve: curveFixture(500) }));
    expect(await page.locator('h1').textContent()).toBe(
      '3 of 14 recordings are not normal at a false-alarm rate of 1 %.',
    );
    const top = await page.locator('h1').boundingBox();
    expect(top!.y).toBeLessThan(200);
    expect(await page.title()).toContain('Pumps, line 3, March');
  });

  it('sorts by click and by keyboard, numbers as numbers, failures at the end', async () => {
    await open(reportFixture());
    const header = (name: string) => page.getByRole('columnheader', { name });
    const scores = () => column(3).then((cells) => cells.slice(0, 14).map(Number));
    expect(await header('Score').getAttribute('aria-sort')).toBe('descending');
    expect((await scores())[0]).toBe(2.41);

    await header('Score').getByRole('button').click();
    expect(await header('Score').getAttribute('aria-sort')).toBe('ascending');
    expect(await scores()).toEqual((await scores()).toSorted((a, b) => a - b));
    expect((await column(1)).at(-1)).toBe('line 3/notes.wav');

    await header('Recording').getByRole('button').focus();
    await page.keyboard.press('Enter');
    expect(await header('Recording').getAttribute('aria-sort')).toBe('ascending');
    expect(await header('Score').getAttribute('aria-sort')).toBeNull();
    expect((await column(1))[0]).toBe('line 3/pump_0001.wav');
    await page.keyboard.press('Space');
    expect((await column(1)).slice(0, 1)).toEqual(['line 3/pump_0014.wav']);
    expect((await column(1)).at(-1)).toBe('line 3/notes.wav');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Verdict');
  });

  it('filters by text and by verdict', async () => {
    await open(reportFixture());
    await page.getByLabel('Filter').fill('cavit');
    expect(await column(1)).toEqual(['line 3/pump_0008.wav']);
    expect(await page.locator('#shown').textContent()).toBe('1 of 1 rows, 15 in all');
    await page.getByLabel('Filter').fill('');
    await page.getByLabel('Show').selectOption('failed');
    expect(await column(1)).toEqual(['line 3/notes.wav']);
  });

  it('paints every cell of the spectrogram in its colour, time to the right, low frequencies at the bottom', async () => {
    const data = reportFixture();
    await open(data);
    const { frames, bins, values } = data.details[0].spectrogram;
    const pixels = await page.locator('#detail-0 canvas').evaluate((canvas: HTMLCanvasElement) => {
      const { width, height } = canvas;
      return [...canvas.getContext('2d')!.getImageData(0, 0, width, height).data];
    });
    const colours = colourTable(colourStops);
    const expected = Array.from({ length: frames * bins }, (_, i) => {
      const level = values[(i % frames) * bins + (bins - 1 - Math.floor(i / frames))];
      return [...colours.subarray(level * 3, level * 3 + 3), 255];
    }).flat();
    expect(Buffer.from(pixels).equals(Buffer.from(expected))).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(50);
  });

  it('outlines unusual cells until told not to, and reads the cell under the pointer', async () => {
    await open(reportFixture());
    const marks = page.locator('#detail-0 .marks');
    expect(await marks.isVisible()).toBe(true);
    await page.locator('#detail-0 .marks-toggle').uncheck();
    expect(await marks.isVisible()).toBe(false);
    const box = (await page.locator('#detail-0 canvas').boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height * 0.6);
    expect(await page.locator('#detail-0 .readout').textContent()).toMatch(
      /^(4\.99|5\.0\d) s · 3\.[12]\d kHz · −\d\d dB · [+−]\d+\.\d SD$/,
    );
  });

  it('opens a detail from its row, by click, by Enter and from its address', async () => {
    await open(reportFixture());
    expect([await isOpen(0), await isOpen(1), await isOpen(2)]).toEqual([true, false, false]);
    await page.locator('tr[data-detail="1"] td').last().click();
    expect(await isOpen(1)).toBe(true);
    expect(await page.evaluate(() => document.activeElement?.parentElement?.id)).toBe('detail-1');
    await page.locator('tr[data-detail="2"] a').focus();
    await page.keyboard.press('Enter');
    // The address changes first; the script hears of it later.
    await page.locator('#detail-2[open]').waitFor();
    await page.goto(`${page.url().split('#')[0]}#detail-1`);
    await page.reload();
    await page.locator('#detail-1[open]').waitFor();
  });

  it('plays the sound: the page lets it load, and a click on the picture seeks', async () => {
    await open(reportFixture());
    const audio = page.locator('#detail-0 audio');
    await page.waitForFunction(() => document.querySelector('audio')!.readyState >= 1);
    expect(await audio.evaluate((element: HTMLAudioElement) => element.duration)).toBeCloseTo(2, 3);
    await page.locator('#detail-0 .wave').click();
    expect(await audio.evaluate((element: HTMLAudioElement) => element.currentTime)).toBeCloseTo(1, 1);
  });

  it.each(['light', 'dark'] as const)('has readable contrast in the %s theme', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await open(reportFixture({ curve: curveFixture(500) }));
    const { ground, worst } = await page.evaluate(readContrast);
    expect(ground > 0.5).toBe(colorScheme === 'light');
    expect(worst.texts).toBeGreaterThan(150);
    expect(worst.ratio, worst.text).toBeGreaterThanOrEqual(4.5);
  });

  it('prints light, with all details painted and no controls', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await open(reportFixture());
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    const canvases = page.locator('canvas');
    expect(await canvases.count()).toBe(3);
    // The page hears of a change of media with its next picture.
    for (let i = 0; i < 3; i++) await page.locator(`#detail-${i}[open]`).waitFor();
    for (const canvas of await canvases.all()) {
      expect(await canvas.isVisible()).toBe(true);
      const painted = (element: HTMLCanvasElement) => element.getContext('2d')!.getImageData(0, 0, 1, 1).data[3];
      expect(await canvas.evaluate(painted)).toBe(255);
    }
    expect(await page.locator('.table-controls, audio').filter({ visible: true }).count()).toBe(0);
    const { ground, worst } = await page.evaluate(readContrast);
    expect(ground).toBe(1);
    expect(worst.ratio, worst.text).toBeGreaterThanOrEqual(4.5);
    expect((await page.pdf()).byteLength).toBeGreaterThan(20_000);
    await page.emulateMedia({ media: 'screen' });
    await page.locator('#detail-1:not([open])').waitFor();
    expect([await isOpen(0), await isOpen(2)]).toEqual([true, false]);
  });

  it('needs no script for its words: all rows of the first page, and every detail on paper', async () => {
    await open(reportFixture());
    const still = await browser.newPage({ javaScriptEnabled: false });
    await still.goto(page.url());
    expect(await still.locator('tbody tr').count()).toBe(15);
    expect(await still.locator('#detail-1 .facts').isVisible()).toBe(false);
    await still.emulateMedia({ media: 'print' });
    expect(await still.locator('#detail-1 .facts').isVisible()).toBe(true);
    await still.close();
  });

  it.each([360, 768, 1280])('does not scroll sideways at a width of %d', async (width) => {
    await page.setViewportSize({ width, height: 800 });
    await open(reportFixture({ curve: curveFixture(500) }));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    expect(await page.locator('svg.plot').filter({ visible: true }).count()).toBe(2);
  });

  it('carries 10,000 rows: 200 at first, all on request, sorted and filtered over all', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => rowFixture(i, 0.5 + ((i * 7919) % 10_000) / 12_000, 1.07));
    await open(reportFixture({ rows, failures: [] }));
    expect(await page.locator('tbody tr').count()).toBe(200);
    expect(await page.locator('#shown').textContent()).toBe('200 of 10,000 rows');
    await page.getByRole('columnheader', { name: 'Score' }).getByRole('button').click();
    expect(await page.locator('tbody tr').first().textContent()).toContain('pump_0001.wav');
    await page.getByLabel('Filter').fill('pump_77');
    expect(await page.locator('#shown').textContent()).toBe('100 of 100 rows, 10,000 in all');
    await page.getByLabel('Filter').fill('');
    await page.getByRole('button', { name: 'Show all' }).click();
    expect(await page.locator('tbody tr').count()).toBe(10_000);
  });

  it('keeps hostile texts inert, before and after the script has written them again', async () => {
    const evil = `"'><img src=x onerror="window.hacked=1"></script><script>window.hacked=1</script><!--`;
    const data = reportFixture({
      title: evil,
      notes: [evil],
      failures: [{ file: evil, message: evil }],
      curve: { ...curveFixture(10), xLabel: evil, notes: [evil] },
    });
    data.rows[1] = { ...data.rows[1], file: evil, truth: evil, diagnosis: { label: evil, confidence: 1 } };
    data.details[0].nearest = { file: evil, startSeconds: 0, distance: 1 };
    data.details[0].waveform.unit = evil;
    data.details[0].audio!.note = evil;
    data.detector = { ...data.detector, name: evil, encoder: evil, domains: [evil], distance: evil };
    data.calibration.method = evil;
    await open(data);
    expect((await column(1))[0]).toBe(evil);
    await page.getByRole('columnheader', { name: 'p-value' }).getByRole('button').click();
    expect(await column(1)).toContain(evil);
    expect(await page.locator('#detail-0 h3').textContent()).toBe(evil);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
  });
});

/** Runs in the page: lightness of the ground, and the visible text with the least contrast (WCAG 2.2) to its ground. */
const readContrast = () => {
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string) => {
    const linear = channels(colour)
      .slice(0, 3)
      .map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const groundOf = (element: Element | null): string => {
    if (!element) return 'rgb(255, 255, 255)';
    const colour = getComputedStyle(element).backgroundColor;
    return channels(colour)[3] === 0 ? groundOf(element.parentElement) : colour;
  };
  const worst = { ratio: 21, text: '', texts: 0 };
  for (const element of document.body.querySelectorAll('*')) {
    const text = [...element.childNodes].find((node) => node.nodeType === 3 && node.textContent?.trim())?.textContent;
    if (!text || !element.checkVisibility() || ['SCRIPT', 'OPTION'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const inSvg = element instanceof SVGElement;
    if (inSvg && element.tagName !== 'text') continue;
    const lights = [luminance(inSvg ? style.fill : style.color), luminance(groundOf(element))];
    const ratio = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    worst.texts += 1;
    if (ratio < worst.ratio) Object.assign(worst, { ratio, text });
  }
  return { ground: luminance(groundOf(document.body)), worst };
};
