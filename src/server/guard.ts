// Keeps out requests that a web page of somebody else sends through a browser at this machine.
import { HttpError } from './http-error.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** `127.0.0.1`, `::1` and `localhost`. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host) || host === '::1';

/** The name in a Host header, without its port; undefined where it is malformed. */
const hostName = (host: string): string | undefined =>
  /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.exec(host)?.[1].toLowerCase();

/**
 * The Host header has to be one of this machine: a page whose name is made to point here (DNS rebinding) sends its own.
 * @param allowed further names; undefined: any, since the service listens to others and asks for keys
 * @throws HttpError 421
 */
export function checkHost(header: string | undefined, allowed: readonly string[] | undefined): void {
  const name = header === undefined ? undefined : hostName(header);
  if (name === undefined) throw new HttpError(400, 'expected a Host header with the name of this machine');
  if (allowed && !isLoopback(name) && !allowed.includes(name))
    throw new HttpError(421, 'the Host header names another machine; allow it with --allow-host NAME');
}

/**
 * Browsers say where a request comes from. Other sites get nothing of the API, and write nothing to it; programs that
 * are no browsers send neither header and pass.
 * @throws HttpError 403
 */
export function checkSite(headers: { host?: string; origin?: string; site?: string }): void {
  const { host, origin, site } = headers;
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (foreign || (origin !== undefined && !isOwn(origin, host)))
    throw new HttpError(403, 'requests from pages of other sites are refused');
}

function isOwn(origin: string, host: string | undefined): boolean {
  try {
    return new URL(origin).host === new URL(`http://${host}`).host || new URL(origin).host === host;
  } catch {
    return false;
  }
}
