import type { NumberRule, TextRule } from '../request/constraints.js';

// The constraints of the service's model; patterns of tokens as the service tells them.

export const snapshotId: TextRule = { least: 1, most: 64, pattern: /^snap-[0-9a-f]+$/ };
export const token: TextRule = { most: 256, pattern: /^[A-Za-z0-9+/=_-]+$/ };
export const checksum: TextRule = { most: 64, pattern: /^[A-Za-z0-9+/=]+$/ };
export const name: TextRule = { most: 32, pattern: /^[A-Za-z0-9]+$/ };
export const blockIndex: NumberRule = { least: 0 };
export const maxResults: NumberRule = { least: 100, most: 10_000 };
