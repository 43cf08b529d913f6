// Server-sent events out of a streamed answer, so that a request may carry a key in its header.

export type ServerEvent = { event: string; data: string };

/** Longer than any event the server sends; what is longer is no event stream. */
const MAX_CHARACTERS = 8_000_000;

/** The event that a block of lines makes (HTML standard, "interpreting an event stream"); none without data. */
function eventOf(block: string): ServerEvent | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r\n|\r|\n/)) {
    if (line === '' || line.startsWith(':')) continue;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return data.length > 0 ? { event, data: data.join('\n') } : undefined;
}

/**
 * Events as they come, however the bytes are cut. `onBytes` is called for everything that arrives, heartbeats too. An
 * event that the end of the stream cuts off is dropped.
 * @throws Error if an event is longer than 8 million characters
 */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
  onBytes: () => void = () => {},
): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/);
      rest = blocks.pop() ?? '';
      if (rest.length > MAX_CHARACTERS) throw new Error('events: expected short events, found one without an end');
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
