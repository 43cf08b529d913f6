// Bodies of requests within limits: of one, and of all that are on their way.
import { createHash } from 'node:crypto';
import { HttpError, tooMany } from './http-error.ts';

/** Bytes of bodies that are held at once. `take` returns what gives them back. @throws HttpError 429 when none are left. */
export type Budget = { take(bytes: number): () => void; taken(): number };

export function createBudget(total: number): Budget {
  let taken = 0;
  return {
    take(bytes) {
      if (taken + bytes > total) throw tooMany('too much is being uploaded at this moment', 2);
      taken += bytes;
      let given = false;
      return () => {
        if (!given) taken -= bytes;
        given = true;
      };
    },
    taken: () => taken,
  };
}

export type Body = { bytes: Uint8Array; hash: string; release(): void };

const tooLarge = (maxBytes: number): HttpError =>
  // What still comes is not waited for.
  new HttpError(413, `expected a body of at most ${maxBytes} bytes, this one is larger; split the recording`, {
    connection: 'close',
  });

/** The length that a request announces; undefined where it announces none. */
function announced(request: Request): number | undefined {
  const given = request.headers.get('content-length');
  return given !== null && /^\d{1,15}$/.test(given) ? Number(given) : undefined;
}

/** Bytes to hold for a body whose length is not announced are taken in pieces of this size. */
const PIECE = 2 ** 20;
/** Bytes that are copied before other work gets its turn. */
const JOINED = 2 ** 22;

/**
 * Reads the body of a request into memory, and its SHA-256 with it. `release` gives the memory back to the budget.
 * @throws HttpError 413 as soon as it is larger than `maxBytes`, 429 where the budget is used up, 400 where it ends early
 */
export async function readBody(request: Request, maxBytes: number, budget: Budget): Promise<Body> {
  const length = announced(request);
  if (length !== undefined && length > maxBytes) throw tooLarge(maxBytes);
  const held: (() => void)[] = [];
  const release = () => {
    for (const give of held.splice(0)) give();
  };
  try {
    let room = length ?? 0;
    held.push(budget.take(room));
    const hash = createHash('sha256');
    // Of a length that is known, each part is put into its place as it comes: no moment has all of it to copy.
    const whole = new Uint8Array(new ArrayBuffer(room));
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of partsOf(request)) {
      const at = size;
      size += part.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      while (size > room) {
        held.push(budget.take(PIECE));
        room += PIECE;
      }
      hash.update(part);
      if (size <= whole.length) whole.set(part, at);
      else parts.push(part);
    }
    const bytes = parts.length > 0 ? await joined(whole, parts, size) : whole.subarray(0, size);
    return { bytes, hash: hash.digest('hex'), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function* partsOf({ body }: Request): AsyncGenerator<Uint8Array> {
  if (!body) return;
  const reader = body.getReader();
  try {
    while (true) {
      let next: Awaited<ReturnType<typeof reader.read>>;
      try {
        next = await reader.read();
      } catch {
        throw new HttpError(400, 'the body ended before its end; send it again');
      }
      if (next.done) return;
      yield next.value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** `whole` holds what comes before the parts. */
async function joined(whole: Uint8Array, parts: readonly Uint8Array[], size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = size - parts.reduce((sum, { length }) => sum + length, 0);
  bytes.set(whole.subarray(0, at));
  let copied = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
    copied += part.length;
    if (copied < JOINED) continue;
    copied = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return bytes;
}
