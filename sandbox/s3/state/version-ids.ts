import { randomBytes } from 'node:crypto';

/** The version that is written while a bucket has no versioning, or no longer. */
export const nullVersion = 'null';

/** Makes ids of 32 characters, opaque to clients. Their order is that of their making, also within one millisecond. */
export function newVersionIds(): (nowMs: number) => string {
  let lastMs = 0;
  let count = 0;
  return (nowMs) => {
    count = nowMs > lastMs ? 0 : count + 1;
    lastMs = Math.max(nowMs, lastMs);
    const order = hex(lastMs, 12) + hex(count, 4);
    return order + randomBytes(12).toString('base64url').replaceAll('-', '.');
  };
}

/** Whether it looks like an id of ours. */
export function isVersionId(text: string): boolean {
  return text === nullVersion || /^[0-9a-f]{16}[\w.]{16}$/.test(text);
}

/** Whether the version with the first id was made before the other; false where that cannot be told. */
export function isOlder(id: string, other: string): boolean {
  return id !== nullVersion && other !== nullVersion && id.slice(0, 16) < other.slice(0, 16);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
