// Answers of many bytes: in pieces, as fast as the client reads, and no more of them at a time than memory allows.
import type { TypedResponse } from 'hono';
import { tooMany } from './http-error.ts';

export type Answers = {
  /** An answer with these bytes, which must not change any more. @throws HttpError 429 where too many are being read */
  bytes(bytes: Uint8Array, init?: { status?: number; headers?: Record<string, string> }): Response;
  /** Bytes of answers that are being read. */
  held(): number;
};

export type AnswersOptions = {
  /** Of all answers that are being read. */
  maxBytes?: number;
  /** Who takes longer to read an answer is cut off. */
  maxMs?: number;
};

/** What fits into one of these is written at once. */
const PIECE = 2 ** 16;

export function createAnswers({ maxBytes = 2 ** 28, maxMs = 600_000 }: AnswersOptions = {}): Answers {
  let held = 0;

  const inPieces = (bytes: Uint8Array): ReadableStream<Uint8Array> => {
    let at = 0;
    let timer: NodeJS.Timeout | undefined;
    const release = () => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      held -= bytes.length;
    };
    return new ReadableStream<Uint8Array>(
      {
        // Held from its first piece on: an answer that nobody reads, to HEAD for instance, is simply forgotten.
        pull(controller) {
          if (at === 0) {
            held += bytes.length;
            timer = setTimeout(() => {
              release();
              controller.error(new Error('too slow'));
            }, maxMs);
            timer.unref();
          }
          controller.enqueue(bytes.subarray(at, at + PIECE));
          at += PIECE;
          if (at < bytes.length) return;
          controller.close();
          release();
        },
        cancel: release,
      },
      { highWaterMark: 0 },
    );
  };

  return {
    bytes(bytes, { status = 200, headers = {} } = {}) {
      const known = { ...headers, 'content-length': String(bytes.length) };
      if (bytes.length <= PIECE) return new Response(bytes as Uint8Array<ArrayBuffer>, { status, headers: known });
      if (held + bytes.length > maxBytes) throw tooMany('too many large answers are being read at this moment', 2);
      return new Response(inPieces(bytes), { status, headers: known });
    },
    held: () => held,
  };
}

/** JSON that was written elsewhere, as a route declares it. */
export const jsonBytes = <T>(answers: Answers, bytes: Uint8Array): Response & TypedResponse<T, 200, 'json'> =>
  answers.bytes(bytes, { headers: { 'content-type': 'application/json' } }) as Response & TypedResponse<T, 200, 'json'>;
