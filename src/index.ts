export { InputError } from './signal/errors.ts';
export { duration, type ReadOptions, type Recording, sampleCount } from './signal/recording.ts';
