// The public API in a browser: the same, without files and threads of Node.
export * from './portable.ts';
