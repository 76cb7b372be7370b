// How V8 is to use memory, before it has used much.
// eslint-disable-next-line @typescript-eslint/no-require-imports -- CommonJS: see snap-to-s3.cts
import v8 = require('node:v8');

// Left alone, V8 lets garbage grow to several times of what is in use, and each thread keeps 32 MB for what is young. Beside
// the data that passes, which is no affair of V8's, that would be most of the memory of this process. See src/core/heap.ts.
v8.setFlagsFromString('--heap-growing-percent=100');
v8.setFlagsFromString('--max-semi-space-size=4');
