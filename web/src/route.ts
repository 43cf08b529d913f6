// Which view the address asks for. It stands behind `#`, so that any web host serves it.
import { useEffect, useState } from 'preact/hooks';

export type Route =
  | { view: 'machines' | 'alarms' | 'add' }
  | { view: 'machine'; name: string; hash?: string; index: number };

/** Anything unknown is the list of machines. */
export function parseRoute(address: string): Route {
  const [path, search = ''] = address.replace(/^#?\/?/, '').split('?');
  const [view, name] = path.split('/');
  if (view === 'alarms' || view === 'add') return { view };
  if (view === 'machines' && name) {
    try {
      const at = new URLSearchParams(search);
      const hash = at.get('at') ?? '';
      const index = Number(at.get('index') ?? 0);
      return {
        view: 'machine',
        name: decodeURIComponent(name),
        index: Number.isInteger(index) && index >= 0 ? index : 0,
        ...(/^[0-9a-f]{64}$/.test(hash) && { hash }),
      };
    } catch {
      // A percent sign that encodes nothing.
    }
  }
  return { view: 'machines' };
}

export const machineAddress = (name: string, at?: { hash: string; index: number }): string =>
  `#/machines/${encodeURIComponent(name)}${at ? `?at=${at.hash}${at.index > 0 ? `&index=${at.index}` : ''}` : ''}`;

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const read = () => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return route;
}
