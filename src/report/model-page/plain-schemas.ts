// To be imported before any schema is made: zod must not try to compile code, which the page's content policy forbids.
import { config } from 'zod';

config({ jitless: true });
