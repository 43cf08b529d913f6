// Where encoders are kept on this machine.
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where weights are looked for: THRUM_MODELS, the user's own folder, the package. */
export function modelFolders(): string[] {
  const here = dirname(fileURLToPath(import.meta.url));
  // The package's root, from dist/ as from src/encoders/.
  const roots = [join(here, '..'), join(here, '..', '..')].map((root) => join(root, 'models'));
  const own = process.env.THRUM_MODELS;
  return [...(own ? [own] : []), userModelFolder(), ...roots];
}

/** Where `thrum models pull` and `import` put weights. */
export const userModelFolder = (): string =>
  process.env.THRUM_MODELS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'thrum', 'models');
