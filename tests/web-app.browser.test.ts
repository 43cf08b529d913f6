// The page in real Chromium: with a whole service behind it, and alone from a plain web host.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readDetector } from '../src/detection/detector-file.ts';
import { identifyEncoder } from '../src/encoders/load.node.ts';
import { makeKey } from '../src/server/keys.ts';
import { ask, type Service } from '../src/server/service.test-util.ts';
import { hasChromium, inChromium, launchChromium, noteWhatComes } from './chromium.ts';
import { filesOf, NOW, nameOf, startHost, startPage, upload } from './web-app.fixture.ts';

/** `THRUM_PICTURES=docs` keeps the pictures of the guides. */
const pictures = process.env.THRUM_PICTURES;

/** A busy machine takes its time. */
const PATIENCE = 60_000;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const bad = { name: 'notes.wav', mimeType: 'audio/wav', buffer: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]) };

/** What axe finds that keeps people out, in the view as it stands. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe: checker } = window as unknown as { axe: typeof import('axe-core') };
    const { violations } = await checker.run({ resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
  });
}

describe.skipIf(!hasChromium)(inChromium('the page'), { timeout: 5 * PATIENCE }, () => {
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let allowed: RegExp[];
  /** Services of single tests. */
  const services: Service[] = [];

  beforeAll(async () => {
    browser = await launchChromium(['--autoplay-policy=no-user-gesture-required']);
  }, PATIENCE);
  afterAll(() => browser?.close());

  /** A page in which every complaint of the browser, and every request to elsewhere, is noted. */
  const newPage = async (options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> => {
    const made = await browser.newPage({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
    made.setDefaultTimeout(PATIENCE);
    await made.clock.setFixedTime(NOW);
    made.on('console', (message) => complaints.push(`${message.text()} ${message.location().url}`));
    made.on('pageerror', (error) => complaints.push(error.message));
    made.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (!/^(blob|data):$/.test(protocol) && hostname !== '127.0.0.1') complaints.push(request.url());
    });
    return made;
  };
  beforeEach(async () => {
    complaints = [];
    allowed = [];
    page = await newPage();
  });
  afterEach(async () => {
    // First the page: it complains of a service that is gone.
    await page.close();
    for (const service of services.splice(0)) await service.close();
    expect(complaints.filter((text) => !allowed.some((one) => one.test(text)))).toEqual([]);
  });
  const choose = (given: ReturnType<typeof filesOf>): Promise<void> => page.setInputFiles('input.files', given);
  const serve = async (options: Parameters<typeof startPage>[0] = {}): Promise<Service> => {
    const service = await startPage(options);
    services.push(service);
    return service;
  };
  /** Of a value that follows only after what was done. */
  const soon = <T>(value: () => T) => expect.poll(value, { timeout: PATIENCE, interval: 50 });
  /** The colours in the picture with the fewest. */
  const fewestColours = (): Promise<number> =>
    page
      .locator('.moment canvas')
      .evaluateAll((canvases) =>
        Math.min(
          ...(canvases as HTMLCanvasElement[]).map(
            (canvas) =>
              new Set(
                new Uint32Array(canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height).data.buffer),
              ).size,
          ),
        ),
      );
  /** A sound of these tests lasts a second. */
  const play = async (): Promise<void> => {
    const played = await noteWhatComes(page, ['.player button[aria-pressed="true"]', '.playhead']);
    await button('Play this moment').click();
    await played();
  };
  /** Opens a view; that before may have held what the new one is `ready` with. */
  const visit = async (address: string, title: string, ready: string): Promise<void> => {
    await page.goto(address);
    await page.waitForFunction((begins) => document.title.startsWith(begins), title);
    await page.locator(ready).first().waitFor();
  };
  const button = (name: string | RegExp): Locator => page.getByRole('button', { name });

  describe('with a service', () => {
    let service: Service;
    beforeAll(async () => {
      service = await startPage();
    }, PATIENCE);
    afterAll(() => service?.close());

    it('takes files in, fits before one’s eyes, and says of further files what they are', async () => {
      // The browser's own line on an answer that refuses a file.
      allowed = [/status of 422.*notes\.wav/];
      await page.goto(service.url);
      await page.getByRole('link', { name: 'Add a machine' }).click();
      await page.getByLabel('Name of the machine').fill('pump-7');
      await page.getByText('More choices').click();
      await page.getByLabel('Encoder').selectOption('spectral-shape-10ms');
      await choose([...filesOf(0, 24), bad]);
      await page.getByRole('link', { name: 'Open pump-7' }).waitFor();
      expect(await page.locator('.refused').textContent()).toMatch(
        /1 file could not be used.*notes\.wav.*gzip archive.*unpack it first/,
      );
      await page.getByRole('link', { name: 'Open pump-7' }).click();
      await page.getByText('Drop recordings to hear what is said of them').waitFor();
      await choose(filesOf(24, 34, [30]));
      await page.locator('.verdicts tbody tr').nth(9).waitFor();
      const verdicts = await page.locator('.verdicts tbody tr').allTextContents();
      expect(verdicts.filter((text) => text.includes('Not normal'))).toEqual([
        expect.stringMatching(`^${nameOf(30)}Not normal`),
      ]);
    });

    it('shows a moment beside the normal one, plays it, and learns what it was until that is undone', async () => {
      await page.goto(`${service.url}#/machines/pump-7`);
      const chart = page.getByRole('slider', { name: /Scores over time/ });
      await chart.focus();
      await page.keyboard.press('p');
      await page.locator('.moment canvas').nth(1).waitFor();
      expect(await page.locator('#moment-title').textContent()).toMatch(/^Not normal: [\d.]+ times the threshold/);
      expect(await page.locator('.moment').textContent()).toMatch(/Most unusual at 2\.\d–2\.\d kHz from 0\.[5-9]/);
      await page.locator('.places rect').first().waitFor({ state: 'attached' });
      await soon(fewestColours).toBeGreaterThan(50);
      await page.keyboard.press('Enter');
      await page.locator('#moment:focus').waitFor();
      await play();
      await page.getByLabel('Name of the fault').fill('loose bolt');
      await button('This was a fault').click();
      await page.locator('.given', { hasText: 'loose bolt' }).waitFor();
      await page.locator('.versions li.current', { hasText: 'learned a label' }).waitFor();
      await button('Undo').click();
      await page.locator('.versions li.current', { hasText: 'a label undone' }).waitFor();
      await soon(() => page.locator('.given li').count()).toBe(0);
    });

    it('goes from score to score and zooms by keyboard', async () => {
      await page.goto(`${service.url}#/machines/pump-7`);
      const chart = page.getByRole('slider', { name: /Scores over time/ });
      const told = () => chart.getAttribute('aria-valuetext');
      await chart.focus();
      await page.keyboard.press('Home');
      await page.waitForFunction(() => document.querySelector('.chart')?.getAttribute('aria-valuenow') === '1');
      // The 24 that it was fitted to, and the 10 that came since.
      await soon(told).toMatch(/^1 Mar 2026, \d\d:00:00: score [\d.]+, normal \(learned\), threshold [\d.]+; 1 of 34$/);
      await page.keyboard.press('ArrowRight');
      await page.waitForFunction(() => document.querySelector('.chart')?.getAttribute('aria-valuenow') === '2');
      await page.keyboard.press('n');
      await page.waitForFunction(() => document.querySelector('.chart')?.getAttribute('aria-valuenow') === '31');
      expect(await told()).toContain('not normal');
      await soon(() => button('Zoom out').isDisabled()).toBe(true);
      await page.keyboard.press('+');
      await page.keyboard.press('+');
      await soon(() => button('Zoom out').isDisabled()).toBe(false);
      await page.keyboard.press('0');
      await soon(() => button('Zoom out').isDisabled()).toBe(true);
      const box = await page.locator('.u-over').boundingBox();
      if (!box) throw new Error('no plot');
      await page.mouse.move(box.x + 0.2 * box.width, box.y + 50);
      await page.mouse.down();
      await page.mouse.move(box.x + 0.6 * box.width, box.y + 50, { steps: 4 });
      await page.mouse.up();
      await page.locator('button[aria-label="Zoom out"]:enabled').waitFor();
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    });

    it('says what another threshold would have done, applies it, and goes back', async () => {
      await page.goto(`${service.url}#/machines/pump-7`);
      const trial = page.locator('.trial');
      await page.locator('.trial', { hasText: 'over the 34 scores shown no alarm' }).waitFor();
      const slider = page.getByRole('slider', { name: 'Threshold to try' });
      await slider.focus();
      await page.keyboard.press('Home');
      await page.locator('.trial', { hasText: '34 scores reach it' }).waitFor();
      expect(await trial.textContent()).toMatch(/1 alarm, none of them at a labelled fault.*calibration 100 % do/);
      await page.getByLabel('Exactly').fill('2.5');
      await page.keyboard.press('Tab');
      await button('Apply').click();
      await page.locator('.versions li.current', { hasText: 'threshold changed, threshold 2.5' }).waitFor();
      await button('Use version 1').click();
      await page.locator('.versions li.current', { hasText: 'Version 1' }).waitFor();
    });

    it('tells of an alarm as it is raised, and takes its acknowledgement', async () => {
      await page.goto(service.url);
      await page.locator('.card .course').waitFor();
      expect(await page.locator('h1').textContent()).toBe('The machine is normal.');
      await page.locator('.connection.live').waitFor();
      await upload(service.url, 'pump-7', filesOf(36, 40, [37, 38, 39]));
      const alert = page.getByRole('alert');
      await page.getByRole('alert').getByText('pump-7: Not normal.').waitFor();
      expect(await alert.textContent()).toMatch(/3 of the last 4; loudest difference 2\.\d–2\.\d kHz/);
      await page.locator('.card.fault', { hasText: '1 open alarm' }).waitFor();
      await alert.getByRole('link', { name: 'Look' }).click();
      await page.locator('.moment.fault').waitFor();
      await page.keyboard.press('g');
      await page.keyboard.press('a');
      await button(/^Acknowledge/).click();
      await page.locator('.alarm.open', { hasText: 'acknowledged by' }).waitFor();
    });

    it('saves when an alarm is to be raised, and refuses what makes no sense', async () => {
      await page.goto(`${service.url}#/machines/pump-7`);
      await page.getByText('When to raise an alarm').click();
      await page.getByLabel('of the last').fill('2');
      await button('Save').click();
      await page.getByText('Of 2 scores, from 1 to 2 can be over the threshold.').waitFor();
      await page.getByLabel('when', { exact: true }).fill('2');
      await button('Add a silence').click();
      await button('Save').click();
      await page.getByText('The settings are saved.').waitFor({ state: 'attached' });
      const { body } = await ask<{ policy: object }>(`${service.url}/api/machines/pump-7`);
      expect(body.policy).toMatchObject({ k: 2, n: 2, silences: [{ from: '22:00', to: '06:00' }] });
    });

    it.each(['light', 'dark'] as const)('keeps nobody out, in any view, %s', async (colorScheme) => {
      await page.close();
      page = await newPage({ colorScheme, viewport: { width: 1180, height: 960 } });
      const { body } = await ask<{ hash: string; anomalous: boolean }[]>(`${service.url}/api/machines/pump-7/scores`);
      const { hash } = body.filter(({ anomalous }) => anomalous)[0];
      const found: string[] = [];
      for (const [address, title, ready] of [
        ['', 'Machines', '.card .course'],
        [`machines/pump-7?at=${hash}`, 'pump-7', '.figures > div:nth-child(2) canvas'],
        ['alarms', 'Alarms', '.alarm'],
        ['add', 'Add', '.drop'],
      ]) {
        await visit(`${service.url}#/${address}`, title, ready);
        found.push(...(await faults(page)));
        if (pictures && address.startsWith('machines/'))
          await page.screenshot({ path: `${pictures}/page-${colorScheme}.png` });
      }
      await page.keyboard.press('?');
      found.push(...(await faults(page)));
      expect(found).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe(colorScheme);
      await page.keyboard.press('Escape');
      await button(/^Colours: as the system/).click();
      await button(/^Colours: light/).click();
      expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
    });

    it('fits 320 pixels without scrolling sideways', async () => {
      await page.setViewportSize({ width: 320, height: 640 });
      const { body } = await ask<{ hash: string }[]>(`${service.url}/api/machines/pump-7/scores`);
      for (const [address, title, ready] of [
        ['', 'Machines', '.card .course'],
        [`machines/pump-7?at=${body[0].hash}`, 'pump-7', '.moment canvas'],
        ['alarms', 'Alarms', '.alarm'],
        ['add', 'Add', '.drop'],
      ]) {
        await visit(`${service.url}#/${address}`, title, ready);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
      }
    });
  });

  it('asks for a key, keeps it in its tab, and asks again for one that is not accepted', async () => {
    const service = await serve({ requireKey: true });
    const { key } = await makeKey(service.parts.store, { name: 'page', scope: 'write' });
    allowed = [/status of 401/];
    await page.goto(service.url);
    await page.getByLabel('Key', { exact: true }).fill('thr_wrong');
    await button('Use it').click();
    await page.getByText('The server did not accept this key.').waitFor();
    await page.getByLabel('Key', { exact: true }).fill(key);
    await button('Use it').click();
    await page.getByRole('heading', { name: 'No machines yet' }).waitFor();
    await page.locator('.connection.live').waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'No machines yet' }).waitFor();
    expect(await page.evaluate(() => [localStorage.length, document.cookie])).toEqual([0, '']);
  });

  describe('alone', () => {
    let host: Awaited<ReturnType<typeof startHost>>;
    beforeAll(async () => {
      host = await startHost();
    });
    afterAll(() => host?.close());

    it('hears, fits and explains in the browser, and hands out the detector', async () => {
      allowed = [/status of 404.*\/api\/machines$/];
      const asked: string[] = [];
      page.on('request', (request) => asked.push(request.method()));
      await page.goto(host.url);
      await page.getByRole('link', { name: 'Add a machine' }).click();
      await choose([...filesOf(0, 16), bad]);
      await page.getByRole('link', { name: 'Open pump' }).waitFor();
      expect(await page.locator('.refused').textContent()).toMatch(/notes\.wav.*gzip archive/);
      await page.getByRole('link', { name: 'Open pump' }).click();
      // The view before has a place for files, too.
      await page.getByText('Drop recordings to hear what is said of them').waitFor();
      await choose(filesOf(16, 22, [20]));
      await page
        .locator('.verdicts tbody tr', { hasText: nameOf(20) })
        .filter({ hasText: 'Not normal' })
        .waitFor();
      await page.getByRole('link', { name: nameOf(20) }).click();
      await page.locator('.moment canvas').nth(1).waitFor();
      await page.locator('.places rect').first().waitFor({ state: 'attached' });
      await play();
      expect(await faults(page)).toEqual([]);
      await button('This was normal').click();
      await page.locator('.versions li.current', { hasText: 'learned a label' }).waitFor();
      await button('Undo').click();
      await page.locator('.versions li.current', { hasText: 'a label undone' }).waitFor();
      const [download] = await Promise.all([page.waitForEvent('download'), button('Download version 1').click()]);
      const detector = await readDetector(readFileSync(await download.path()));
      // The same encoder as that of the command line.
      const { fingerprint } = await identifyEncoder({ encoder: 'thrum-1' });
      expect(detector.encoder).toMatchObject({ id: 'thrum-1', fingerprint });
      expect(detector.entries).toHaveLength(16);
      expect(new Set(asked)).toEqual(new Set(['GET']));
    });
  });
});
