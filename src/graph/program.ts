// The programs of this platform. A browser build puts program.browser.ts in the place of program.node.ts.
export { loadProgram } from './program.node.ts';
