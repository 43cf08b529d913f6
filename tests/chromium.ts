// Chromium for the tests of pages, without a window.
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

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
