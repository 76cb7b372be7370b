import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const images = 'docs/guides/images';

describe('the pictures of the guides', () => {
  it('are made by npm run screenshots, in light and dark, small, and each is shown with words in its place', async () => {
    const names = (await readdir(images)).sort();
    const script = await readFile('scripts/screenshots.ts', 'utf8');
    const made = [...script.matchAll(/name: '([\w-]+)'/g)].map(([, name]) => `${name ?? ''}.png`);
    expect(names).toEqual(made.sort());
    expect(names.some((name) => name.includes('dark'))).toBe(true);
    const guide = await readFile('docs/guides/costs.md', 'utf8');
    for (const name of names) {
      expect(guide).toMatch(new RegExp(`!\\[[^\\]]+\\]\\(images/${name.replace('.', '\\.')}\\)`));
      expect((await stat(join(images, name))).size, name).toBeLessThan(120_000);
    }
  });
});
