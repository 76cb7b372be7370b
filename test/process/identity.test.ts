import { describe, expect, it } from 'vitest';
import { hasEnded, ownIdentity, start } from '../../src/process/index.js';

describe('the identity of a process', () => {
  it('is alive while it runs, and has ended afterwards', async () => {
    const child = start(['cat', '/proc/self/stat']);
    await child.ended.catch(() => undefined);
    const own = ownIdentity();
    expect(own.pid).toBe(process.pid);
    expect(hasEnded(own)).toBe(false);
    expect(hasEnded({ ...own, pid: child.pid ?? 0 })).toBe(true);
  });

  it('is that of one process only: a later one with its number is another', () => {
    expect(hasEnded({ ...ownIdentity(), startTicks: '1' })).toBe(true);
  });

  it('tells nothing of other machines and containers', () => {
    expect(hasEnded({ ...ownIdentity(), startTicks: '1', bootId: 'another' })).toBe(false);
    expect(hasEnded({ ...ownIdentity(), startTicks: '1', pidNamespace: 'pid:[1]' })).toBe(false);
  });
});
