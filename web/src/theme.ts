// Light and dark: as the system says, or as the reader chose.

export type Theme = 'system' | 'light' | 'dark';

const STORED = 'thrum-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const changed = new EventTarget();

const isTheme = (text: string | null): text is Theme => text === 'light' || text === 'dark' || text === 'system';

const stored = (): Theme => {
  try {
    const text = localStorage.getItem(STORED);
    return isTheme(text) ? text : 'system';
  } catch {
    // Storage may be forbidden.
    return 'system';
  }
};

let theme = stored();

const apply = (): void => {
  const resolved = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme;
  document.documentElement.dataset.theme = resolved;
  changed.dispatchEvent(new Event('change'));
};

export const currentTheme = (): Theme => theme;

export function chooseTheme(next: Theme): void {
  theme = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // It holds until the page is left.
  }
  apply();
}

/** Calls back whenever colours have changed. @returns how to end it */
export function onTheme(listener: () => void): () => void {
  changed.addEventListener('change', listener);
  return () => changed.removeEventListener('change', listener);
}

/** A colour of the style sheet, for canvases. */
export const colourOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export function startTheme(): void {
  dark.addEventListener('change', apply);
  apply();
}
