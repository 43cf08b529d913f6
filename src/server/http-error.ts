// An answer that says no: a status, one line, and what to do next.

export type ErrorStatus = 400 | 401 | 403 | 404 | 408 | 409 | 411 | 413 | 421 | 422 | 429 | 500 | 503 | 507;

/** Its message goes to the client as it is: one line without paths, keys and names of internals. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: ErrorStatus;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: ErrorStatus, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

export const notFound = (what: string): HttpError => new HttpError(404, `there is no ${what}`);

export const tooMany = (message: string, seconds: number): HttpError =>
  new HttpError(429, message, { 'retry-after': String(Math.max(1, Math.ceil(seconds))) });
