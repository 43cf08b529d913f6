// Bytes that a client may ask for in pieces (RFC 9110, section 14).
import type { Answers } from './answer.ts';

/** `bytes=0-499`, `bytes=500-`, `bytes=-500`; several ranges are answered with all of it. */
function rangeOf(header: string, length: number): { start: number; end: number } | 'all' | 'none' {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header) ?? [];
  if (from === undefined || (from === '' && to === '')) return 'all';
  const start = from === '' ? Math.max(0, length - Number(to)) : Number(from);
  const end = from === '' || to === '' ? length : Math.min(length, Number(to) + 1);
  if (from !== '' && to !== '' && Number(to) < start) return 'all';
  return start < end ? { start, end } : 'none';
}

/** An answer with all of the bytes (200), a part (206), or none because the part lies behind their end (416). */
export function ranged(
  answers: Answers,
  bytes: Uint8Array,
  { type, range, etag }: { type: string; range: string | undefined; etag: string },
): Response {
  const headers = {
    'content-type': type,
    'accept-ranges': 'bytes',
    etag: `"${etag}"`,
    'cache-control': 'private, max-age=3600',
  };
  const asked = range === undefined ? 'all' : rangeOf(range, bytes.length);
  if (asked === 'none')
    return new Response(null, { status: 416, headers: { 'content-range': `bytes */${bytes.length}` } });
  if (asked === 'all') return answers.bytes(bytes, { headers });
  const { start, end } = asked;
  return answers.bytes(bytes.subarray(start, end), {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` },
  });
}
