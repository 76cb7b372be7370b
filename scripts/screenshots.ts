// Makes the pictures of the documents anew: npm run screenshots
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { run } from '../src/process/index.js';

const images = 'docs/guides/images';
const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-screenshots-'));
try {
  await mkdir(images, { recursive: true });
  const page = join(folder, 'page.html');
  await run([process.execPath, 'dist/scripts/example-page.js', page]);
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  for (const [name, width, height, colorScheme] of [
    ['costs', 1200, 1250, 'light'],
    ['costs-phone', 390, 844, 'light'],
  ] as const) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, offline: true });
    const shown = await context.newPage();
    await shown.goto(`file://${page}`);
    await shown.screenshot({ path: join(images, `${name}.png`) });
    await context.close();
  }
  await browser.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
