// Parameters and answers that many routes have in common.
import { z } from '@hono/zod-openapi';
import { errorSchema, nameSchema } from './schemas.ts';

const json = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** Answers of a route: what it says when all is well, and errors. */
export const answers = <S extends z.ZodType>(schema: S, description: string) => ({
  200: json(schema, description),
  default: json(errorSchema, 'one line that says what is wrong'),
});

export const created = <S extends z.ZodType>(schema: S, description: string) => ({
  201: json(schema, description),
  default: json(errorSchema, 'one line that says what is wrong'),
});

/** An answer that is no JSON. */
export const file = (type: string, description: string) => ({
  200: { description, content: { [type]: { schema: z.string().openapi({ format: 'binary' }) } } },
  default: json(errorSchema, 'one line that says what is wrong'),
});

export const body = <S extends z.ZodType>(schema: S) => ({
  required: true,
  content: { 'application/json': { schema } },
});

/** The bytes of a file as they are. The route reads them itself: they are many. */
export const bytesBody = (description: string) => ({
  description,
  content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
});

export const byName = z.object({ name: nameSchema.openapi({ param: { name: 'name', in: 'path' } }) });
export const byId = z.object({ id: z.coerce.number().int().min(1) });

/** The span of dates in ECMAScript. */
const LAST_MS = 8.64e15;
/** A time in a query. */
export const queryTime = z.coerce
  .number()
  .int()
  .min(-LAST_MS)
  .max(LAST_MS)
  .openapi({ type: 'integer', description: 'milliseconds since 1970-01-01 UTC' });
/** Answers stay small enough to be written in one go. */
export const limit = z.coerce.number().int().min(1).max(2000).default(500);
export const page = { fromMs: queryTime.optional(), toMs: queryTime.optional(), limit };
export const queryFlag = z.enum(['true', 'false']).transform((value) => value === 'true');
export const queryVersion = z.coerce.number().int().min(1).optional();

/** What a file is called: shown and never opened, so folders are cut off. */
export const fileName = z
  .string()
  .min(1)
  .max(255)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'expected a name without control characters')
  .transform((name) => name.split(/[\\/]/).at(-1) || 'recording');
