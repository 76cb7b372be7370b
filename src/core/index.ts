export * from './clock.js';
export * from './errors.js';
export * from './events.js';
export * from './ids.js';
export * from './poll.js';
export * from './retry.js';
export * from './text.js';
export * from './units.js';
