// Chromium for the tests of pages, without a window.
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const hasChromium = existsSync(executablePath);

/** `report in Chromium`, and why its tests are skipped where they are. */
export const inChromium = (what: string): string =>
  `${what} in Chromium${hasChromium ? '' : ` (skipped: none at ${executablePath}; set CHROMIUM)`}`;

/** It asks nothing of the network by itself. `more` are further arguments of its command line. */
export const launchChromium = (more: readonly string[] = []): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...more,
    ],
  });

/**
 * Notes from now on what comes to be there, however shortly: a look every half second misses what lasts one.
 * @returns waits until each of the selectors has found something
 */
export async function noteWhatComes(page: Page, selectors: readonly string[]): Promise<() => Promise<void>> {
  await page.evaluate((wanted) => {
    const missing = new Set(wanted);
    Object.assign(window, { missing });
    const look = (): void => {
      for (const selector of missing) if (document.querySelector(selector)) missing.delete(selector);
    };
    const everything = { subtree: true, childList: true, attributes: true };
    new MutationObserver(look).observe(document.documentElement, everything);
  }, selectors);
  return async () => {
    await page.waitForFunction(() => (window as unknown as { missing: Set<string> }).missing.size === 0);
  };
}
