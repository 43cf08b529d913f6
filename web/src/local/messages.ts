// What the static page and its worker say to each other.
import type { ApiEvent } from '../backend/api.ts';
import type { Backend } from '../backend/types.ts';

/** What the worker does: everything but what only a page can. */
export type LocalService = Omit<Backend, 'kind' | 'encoders' | 'events'>;

export type Call = { id: number; method: keyof LocalService; args: unknown[] };

export type Answer =
  | { kind: 'done'; id: number; value: unknown }
  | { kind: 'failed'; id: number; message: string }
  | { kind: 'event'; event: ApiEvent };
