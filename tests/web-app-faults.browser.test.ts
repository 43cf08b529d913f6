// The page in real Chromium when things go wrong: the service goes away and comes back, is busy; and folders as they are dropped.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryBlobs } from '../src/monitor/store/memory-blobs.test-util.ts';
import { openStore } from '../src/monitor/store/open.node.ts';
import { ask, type Service } from '../src/server/service.test-util.ts';
import { hasChromium, inChromium, launchChromium } from './chromium.ts';
import { scratchFolder } from './run-cli.ts';
import { filesOf, fit as fitMachine, NOW, nameOf, soundOf, startPage, upload } from './web-app.fixture.ts';

/** A busy machine takes its time; the page waits up to 45 s before it asks a service again that was away for long. */
const PATIENCE = 150_000;
const { at } = scratchFolder();

type Uploaded = { name: string }[];
const namesAt = async (url: string, machine: string): Promise<string[]> =>
  (await ask<Uploaded>(`${url}/api/machines/${machine}/recordings`)).body.map(({ name }) => name).sort();

/** `hall` with folders in folders, a hidden one, and a file that is none. */
function writeHall(): string {
  const files: Record<string, Buffer> = {
    'a.wav': soundOf(1),
    'north/b.wav': soundOf(2),
    'north/deep/a.wav': soundOf(3),
    '.cache/c.wav': soundOf(4),
    'notes.txt': Buffer.from('no recording'),
  };
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(at('hall', path)), { recursive: true });
    writeFileSync(at('hall', path), bytes);
  }
  return at('hall');
}

describe.skipIf(!hasChromium)(inChromium('the page in trouble'), { timeout: 5 * PATIENCE }, () => {
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let allowed: RegExp[];
  const services: Service[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
  }, PATIENCE);
  afterAll(() => browser?.close());
  beforeEach(async () => {
    complaints = [];
    allowed = [];
    page = await browser.newPage({ locale: 'en-GB' });
    page.setDefaultTimeout(PATIENCE);
    await page.clock.setFixedTime(NOW);
    page.on('console', (message) => complaints.push(`${message.text()} ${message.location().url}`));
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(async () => {
    // First the page: it complains of a service that is gone.
    await page.close();
    for (const service of services.splice(0)) await service.close();
    expect(complaints.filter((text) => !allowed.some((one) => one.test(text)))).toEqual([]);
  });
  const serve = async (...given: Parameters<typeof startPage>): Promise<Service> => {
    const service = await startPage(...given);
    services.push(service);
    return service;
  };

  it('says that it is not live while the service is away, and catches up on what it missed', async () => {
    allowed = [/ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE)/];
    const blobs = createMemoryBlobs();
    const again = async (port = 0): Promise<Service> =>
      serve({ store: await openStore(`file:${at('away.db')}`), blobs }, port);
    const stop = async (): Promise<void> => services.pop()?.close();
    const first = await again();
    const port = Number(new URL(first.url).port);
    await upload(first.url, 'pump-7', filesOf(0, 20), '&score=false');
    await fitMachine(first.url, 'pump-7');
    await upload(first.url, 'pump-7', filesOf(20, 22));
    await page.goto(`${first.url}#/machines/pump-7`);
    await page.locator('.connection.live').waitFor();
    await page.locator('.chart[aria-valuemax="22"]').waitFor();
    expect(await page.locator('.not-live').textContent()).toBe('');

    await stop();
    await page.locator('.not-live', { hasText: /^Not live since 1 Mar 2026/ }).waitFor();
    expect(await page.locator('.connection.live').count()).toBe(0);
    // It goes on elsewhere, where the page does not hear of it.
    const elsewhere = await again();
    await upload(elsewhere.url, 'pump-7', filesOf(22, 26, [23, 24, 25]));
    expect(await page.locator('.chart').getAttribute('aria-valuemax')).toBe('22');
    await stop();

    const last = await again(port);
    await page.locator('.connection.live').waitFor();
    await page.locator('.chart[aria-valuemax="26"]').waitFor();
    await page.locator('.alarm.open').waitFor();
    await page.getByRole('alert').getByText('pump-7: Not normal.').waitFor();
    await page.locator('.not-live', { hasText: /^$/ }).waitFor({ state: 'attached' });
    // And it is told of what comes.
    await upload(last.url, 'pump-7', filesOf(26, 27));
    await page.locator('.chart[aria-valuemax="27"]').waitFor();
  });

  it.each(['picked', 'dropped'])('takes a folder in that is %s, with the folders in it', async (how) => {
    allowed = [/status of 422.*notes\.txt/];
    const { url } = await serve();
    await page.goto(`${url}#/add`);
    const hall = writeHall();
    if (how === 'picked') await page.setInputFiles('input.folder', hall);
    else {
      const box = await page.locator('.drop').boundingBox();
      if (!box) throw new Error('no place to drop');
      const [x, y] = [box.x + box.width / 2, box.y + 20];
      // As the system does it: the entries of the event are those of a real folder.
      const session = await page.context().newCDPSession(page);
      const data = { items: [], files: [hall], dragOperationsMask: 1 };
      for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
        await session.send('Input.dispatchDragEvent', { type, x, y, data });
    }
    await page.locator('.steps', { hasText: '3 files taken in' }).waitFor();
    expect(await page.getByLabel('Name of the machine').inputValue()).toBe('hall');
    expect(await page.locator('.refused').textContent()).toMatch(/1 file could not be used.*hall\/notes\.txt/);
    expect(await namesAt(url, 'hall')).toEqual(['a.wav', 'a.wav', 'b.wav']);
  });

  it('waits as long as a busy service says, tells of it, and goes on', async () => {
    allowed = [/status of 429/];
    const { url } = await serve();
    await page.goto(`${url}#/add`);
    let requests = 0;
    await page.route('**/recordings?*', (route) =>
      requests++ < 2
        ? route.fulfill({ status: 429, headers: { 'retry-after': '10' }, body: '{"error":"too busy"}' })
        : route.continue(),
    );
    await page.setInputFiles(
      'input.files',
      filesOf(0, 3).map((file) => ({ ...file, name: `hall-${file.name}` })),
    );
    await page.locator('.steps', { hasText: /0 of 3 files taken in.*the server is busy, goes on in 10 s/ }).waitFor();
    await page.locator('.steps', { hasText: '3 files taken in' }).waitFor();
    await page.locator('.steps', { hasText: /Fitted|Not fitted/ }).waitFor();
    expect(await page.locator('.refused').count()).toBe(0);
    expect(await page.locator('.steps').textContent()).not.toContain('busy');
    expect(requests).toBe(5);
    expect(await namesAt(url, 'hall-pump')).toEqual([0, 1, 2].map((n) => `hall-${nameOf(n)}`));
  });
});
