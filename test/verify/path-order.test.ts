import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { comparePaths, comparePathTexts } from '../../src/verify/index.js';

it('paths that are text have the order of their bytes', () => {
  const signs = ['a', 'b', '/', '.', '-', 'é', '文', '\uffee', '💩', '😀', '\u0001'];
  const path = (): string =>
    Array.from({ length: randomInt(1, 6) }, () => signs[randomInt(signs.length)] ?? '').join('');
  for (let round = 0; round < 20_000; round += 1) {
    const [one, other] = [path(), path()];
    const wanted = Math.sign(comparePaths(Buffer.from(one), Buffer.from(other)));
    expect(Math.sign(comparePathTexts(one, other)), JSON.stringify([one, other])).toBe(wanted);
  }
});
