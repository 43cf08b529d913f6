// All operators of the graph under one name.
export * from './activation.ts';
export * from './attention.ts';
export * from './conv.ts';
export * from './elementwise.ts';
export * from './indexing.ts';
export * from './matmul.ts';
export * from './normalization.ts';
export * from './pointwise-norm.ts';
export * from './reduce.ts';
export * from './reshape.ts';
export * from './slicing.ts';
