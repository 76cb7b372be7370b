// Makes the pictures of the documents anew: npm run screenshots
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { run } from '../src/process/index.js';

const images = 'docs/guides/images';
const screen = { width: 1200, height: 900 };
const wide = { width: 1440, height: 1060 };
const phone = { width: 390, height: 844 };

/** As high as what is before the table. */
async function allCharts(page: Page): Promise<void> {
  const charts = await page.locator('.charts').boundingBox();
  await page.setViewportSize({ ...screen, height: Math.ceil((charts?.y ?? 0) + (charts?.height ?? 0)) + 16 });
}

async function toTable(page: Page): Promise<void> {
  const heading = await page.locator('#volumes').boundingBox();
  await page.evaluate(`scrollBy(0, ${(heading?.y ?? 0) - 16})`);
}

/** The table with what each class costs, moved to the first of them. */
async function toClasses(page: Page): Promise<void> {
  await page.locator('#all-classes').check();
  await toTable(page);
  await page.evaluate(`document.querySelector('.scroll:has(.volumes)').scrollTo(710, 0)`);
}

interface Shot {
  readonly name: string;
  readonly viewport: { readonly width: number; readonly height: number };
  readonly colorScheme: 'light' | 'dark';
  readonly before?: (page: Page) => Promise<void>;
}

const shots: readonly Shot[] = [
  { name: 'costs', viewport: screen, colorScheme: 'light', before: allCharts },
  { name: 'costs-dark', viewport: screen, colorScheme: 'dark', before: allCharts },
  { name: 'costs-phone', viewport: phone, colorScheme: 'light' },
  { name: 'costs-phone-dark', viewport: phone, colorScheme: 'dark' },
  { name: 'costs-table', viewport: wide, colorScheme: 'light', before: toTable },
  { name: 'costs-classes', viewport: wide, colorScheme: 'dark', before: toClasses },
];

const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-screenshots-'));
try {
  await mkdir(images, { recursive: true });
  const page = join(folder, 'page.html');
  await run([process.execPath, 'dist/scripts/example-page.js', page, '12', 'test server']);
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  for (const { name, viewport, colorScheme, before } of shots) {
    const context = await browser.newContext({ viewport, colorScheme, offline: true });
    const shown = await context.newPage();
    await shown.goto(`file://${page}`);
    await before?.(shown);
    // Pictures of pages have few colours: with a palette they take a third.
    const small = await run(['pngquant', '64', '--speed=1', '--nofs', '--strip', '-'], {
      input: await shown.screenshot(),
    });
    await writeFile(join(images, `${name}.png`), small);
    await context.close();
  }
  await browser.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}
