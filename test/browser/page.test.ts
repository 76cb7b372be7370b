import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Chart as ChartOf } from 'chart.js';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csv, records, writeReport, type ReportLine } from '../costs/report/make-report.js';

// The page of `analyze --html`, in a real browser without a network.

// The checker of accessibility that browsers' own tools are made of.
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let folder = '';
let browser: Browser;
let [small, large, analyzed] = ['', '', ''];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-page-test-'));
  [small, large] = [join(folder, 'small.html'), join(folder, 'large.html')];
  const make = (path: string, volumes: string): Promise<unknown> =>
    promisify(execFile)(process.execPath, ['dist/scripts/example-page.js', path, volumes]);
  await Promise.all([make(small, '12'), make(large, '5000'), analyze()]);
  // As root Chromium has no sandbox of its own; the page is ours.
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
});
/** The page of the command itself, from a report. */
async function analyze(): Promise<void> {
  analyzed = join(folder, 'analyzed.html');
  const day = {
    region: 'us-east-1',
    account: '123456789012',
    start: '2026-05-20T00:00:00',
    end: '2026-05-21T00:00:00',
  };
  const lines = ['snap-00000001', 'snap-00000002'].map((snapshot): ReportLine => {
    return { ...day, snapshot, amount: '10', cost: '0.5' };
  });
  const report = await writeReport(folder, csv(records('cur-2', lines)), { packing: 'gzip', name: 'report.csv.gz' });
  const argv = ['analyze', report, '--offline', '--html', analyzed];
  await promisify(execFile)(process.execPath, ['dist/bin/snap-to-s3.cjs', ...argv], {
    env: { PATH: process.env.PATH, HOME: folder },
  });
}
afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

/** Opens a page, looks at it, and finds that nothing was asked of any network and no script has failed. */
async function opened(
  path: string,
  options: BrowserContextOptions,
  look: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('dialog', (dialog) => said.push(dialog.message()));
  page.on('request', (request) => said.push(request.url()));
  await page.goto(`file://${path}`);
  await look(page);
  expect(said).toEqual([`file://${path}`]);
  await context.close();
}

const screen = { viewport: { width: 1280, height: 900 } };
const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const names = (page: Page): Promise<readonly string[]> =>
  page
    .locator('table.volumes tbody tr:not([hidden]) th')
    .evaluateAll((cells) => cells.map((cell) => (cell as HTMLElement).innerText));
/** How many pixels of a chart are neither ground nor empty. */
const inked = (page: Page, id: string): Promise<number> =>
  page.locator(`canvas#${id}`).evaluate((canvas) => {
    const { width, height } = canvas as HTMLCanvasElement;
    const pixels = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
    return [...pixels].filter((value, at) => at % 4 === 3 && value > 0).length;
  });

describe('the page', () => {
  it('says first what can be saved, and of what day the prices are', async () => {
    await opened(small, screen, async (page) => {
      await expect(page.getByRole('heading', { level: 1 }).innerText()).resolves.toMatch(
        /^EBS snapshots cost \$[\d,]+ a month; \$[\d,]+ of that can be saved$/,
      );
      await expect(page.locator('footer').innerText()).resolves.toContain('list prices of 2026-11-01.');
    });
  });

  it('draws each chart, names and describes it, and says the same in a table', async () => {
    await opened(small, screen, async (page) => {
      for (const [id, title] of [
        ['by-volume', 'Cost by volume'],
        ['over-time', 'Cost over time'],
        ['by-class', 'Saving by storage class'],
        ['break-even', 'Break-even'],
      ] as const) {
        expect(await page.getByRole('img', { name: title }).count()).toBe(1);
        expect(await inked(page, id)).toBeGreaterThan(5_000);
        const region = page.getByRole('region', { name: `${title} as a table` });
        expect(await region.isVisible()).toBe(false);
        await page
          .locator('figure', { has: page.locator(`#${id}`) })
          .locator('summary')
          .press('Enter');
        expect(await region.isVisible()).toBe(true);
        expect(await region.locator('tbody tr').count()).toBeGreaterThan(5);
      }
    });
  });

  it('sorts by any column, by keyboard alone, and says so', async () => {
    await opened(small, screen, async (page) => {
      const header = page.getByRole('columnheader', { name: 'Now' });
      const now = (): Promise<readonly number[]> =>
        page
          .locator('table.volumes tbody tr td:nth-child(7)')
          .evaluateAll((cells) => cells.map((cell) => Number((cell as HTMLElement).dataset.sort)));
      await header.getByRole('button').focus();
      await page.keyboard.press('Enter');
      expect(await header.getAttribute('aria-sort')).toBe('descending');
      expect(await now()).toEqual((await now()).toSorted((a, b) => b - a));
      await page.keyboard.press('Space');
      expect(await header.getAttribute('aria-sort')).toBe('ascending');
      expect(await now()).toEqual((await now()).toSorted((a, b) => a - b));
      expect(new Set(await now()).size).toBeGreaterThan(5);
      const volumes = page.getByRole('columnheader', { name: 'Volume' });
      await volumes.getByRole('button').press('Enter');
      expect(await header.getAttribute('aria-sort')).toBeNull();
      expect(await names(page)).toEqual((await names(page)).toSorted((a, b) => a.localeCompare(b)));
    });
  });

  it('filters, counts what is shown, and shows the cost in each class when asked', async () => {
    await opened(small, screen, async (page) => {
      await page.getByLabel('Filter').fill('mysql');
      expect(await names(page)).toHaveLength(2);
      await expect(page.getByRole('status').innerText()).resolves.toBe('2 of 12 volumes');
      const glacier = page.getByRole('columnheader', { name: 'Glacier IR' });
      expect(await glacier.isVisible()).toBe(false);
      await page.getByLabel('Costs in each class').press('Space');
      expect(await glacier.isVisible()).toBe(true);
    });
  });

  it('sorts names as texts, also where one of them is a number', async () => {
    const numbered = join(folder, 'numbered.html');
    const html = (await readFile(small, 'utf8')).replaceAll('build server', '2024');
    await writeFile(numbered, html);
    await opened(numbered, screen, async (page) => {
      const volumes = page.getByRole('columnheader', { name: 'Volume' });
      await volumes.getByRole('button').press('Enter');
      const sorted = await names(page);
      expect(sorted).toEqual(sorted.toSorted((a, b) => a.localeCompare(b)));
      expect(sorted.some((name) => name.startsWith('2024'))).toBe(true);
      await volumes.getByRole('button').press('Enter');
      expect(await names(page)).toEqual(sorted.toReversed());
    });
  });

  it('tells of each class what moving there takes', async () => {
    await opened(small, screen, async (page) => {
      await page.getByLabel('Costs in each class').press('Space');
      const cell = page.locator('table.volumes tbody tr.moves td.class').nth(4);
      await expect(cell.innerText()).resolves.toMatch(
        /^\$[\d.,]+\s+moving \d+: \$\S+\s+direct reads: \$\S+\s+least term: \$\S+\s+one copy back: \$\S+\s+pays off: month \d+$/,
      );
      for (const heading of ['Direct reads', 'Least term', 'One copy back']) {
        expect(await page.getByRole('columnheader', { name: heading }).isVisible()).toBe(true);
      }
    });
  });

  it('of the command, from a report, is like it, and invents nothing', async () => {
    await opened(analyzed, screen, async (page) => {
      await expect(page.getByRole('heading', { level: 1 }).innerText()).resolves.toBe(
        'EBS snapshots cost $31.0 a month',
      );
      expect(await inked(page, 'by-volume')).toBeGreaterThan(2_000);
      expect(await names(page)).toEqual(['unknown volumes']);
      await page.getByLabel('Costs in each class').press('Space');
      expect(await page.locator('table.volumes tbody td.class').allInnerTexts()).toEqual(
        Array.from({ length: 9 }, () => ''),
      );
    });
  });

  it.each([
    ['light', screen],
    ['dark', screen],
    ['light', phone],
    ['dark', phone],
  ] as const)('has nothing that axe finds fault with, %s, %j', async (colorScheme, size) => {
    const context = await browser.newContext({ ...size, colorScheme, bypassCSP: true });
    const page = await context.newPage();
    await page.goto(`file://${small}`);
    await page.evaluate(() => {
      for (const one of document.querySelectorAll('details')) one.open = true;
    });
    await page.addScriptTag({ path: axe });
    const { violations, passes } = await page.evaluate(async () => {
      const { axe: run } = window as unknown as {
        axe: { run: () => Promise<Record<string, readonly { id: string }[]>> };
      };
      const found = await run.run();
      return { violations: found.violations ?? [], passes: (found.passes ?? []).map(({ id }) => id) };
    });
    expect(violations).toEqual([]);
    expect(passes).toContain('color-contrast');
    await context.close();
  });

  it('names every volume beside its bar on a phone', async () => {
    await opened(small, phone, async (page) => {
      const shown = await page.evaluate(() => {
        const { Chart } = window as unknown as { Chart: typeof ChartOf };
        const chart = Chart.getChart('by-volume');
        return [chart?.scales.y?.ticks.length, chart?.data.labels?.length];
      });
      expect(shown).toEqual([12, 12]);
    });
  });

  it.each([
    ['a screen', screen],
    ['a phone', phone],
  ])('has axes on %s whose figures do not overlap, and are written alike', async (_, how) => {
    await opened(small, how, async (page) => {
      const axes = await page.evaluate(() => {
        const { Chart } = window as unknown as { Chart: typeof ChartOf };
        return ['by-volume', 'over-time', 'by-class', 'break-even'].map((id) => {
          const scales = Chart.getChart(id)?.scales;
          const scale = id === 'by-volume' ? scales?.x : scales?.y;
          const ticks = (scale?.ticks ?? []).map(({ label }, at) => ({
            label: String(label),
            at: scale?.getPixelForTick(at) ?? 0,
          }));
          return { id, ticks: ticks.filter(({ label }) => label !== '') };
        });
      });
      for (const { id, ticks } of axes) {
        expect(ticks.length, id).toBeGreaterThan(2);
        const places = ticks.map(({ at }) => at).sort((a, b) => a - b);
        const gaps = places.slice(1).map((at, index) => at - (places[index] ?? 0));
        expect(Math.min(...gaps), `${id}: ${JSON.stringify(ticks)}`).toBeGreaterThanOrEqual(12);
        if (id === 'break-even') continue;
        const decimals = new Set(ticks.map(({ label }) => label.split('.')[1]?.length ?? 0));
        expect(decimals.size, `${id}: ${JSON.stringify(ticks)}`).toBe(1);
      }
    });
  });

  it('keeps the names of volumes in view where the table is wider than the screen', async () => {
    await opened(small, screen, async (page) => {
      await page.getByLabel('Costs in each class').check();
      const table = page.getByRole('region', { name: 'Volumes' });
      const moved = await table.evaluate((element) => {
        element.scrollTo(600, 0);
        return element.scrollLeft;
      });
      expect(moved).toBe(600);
      const left = async (locator: ReturnType<Page['locator']>): Promise<number> =>
        (await locator.boundingBox())?.x ?? 0;
      const name = page.locator('table.volumes tbody th').first();
      expect((await left(name)) - (await left(table))).toBeLessThan(3);
    });
  });

  it('shows in the legend of the break-even that EBS is a line', async () => {
    await opened(small, screen, async (page) => {
      const shape = await page.evaluate(() => {
        const { Chart } = window as unknown as { Chart: typeof ChartOf };
        const items = Chart.getChart('break-even')?.legend?.legendItems ?? [];
        return items.find(({ text }) => text === 'EBS')?.pointStyle;
      });
      expect(shape).toBe('line');
    });
  });

  it('takes names for text, whatever is in them', async () => {
    const html = await readFile(small, 'utf8');
    expect(html).not.toContain('<script>alert');
    await opened(small, screen, async (page) => {
      expect((await names(page)).some((name) => name.startsWith('<script>alert("a name is text")</script>'))).toBe(
        true,
      );
    });
  });

  it('may run no other script, and ask nobody', async () => {
    const context = await browser.newContext(screen);
    const page = await context.newPage();
    await page.goto(`file://${small}`);
    const asked = await page.evaluate(async () => {
      const script = document.createElement('script');
      script.textContent = 'window.wasRun = true';
      document.body.append(script);
      const answer = await fetch('http://127.0.0.1:9/').catch((error: unknown) => String(error));
      return { wasRun: 'wasRun' in window, answer };
    });
    expect(asked).toMatchObject({ wasRun: false, answer: expect.stringContaining('Failed to fetch') });
    await context.close();
  });

  it('is as wide as a phone, and only its tables are wider', async () => {
    await opened(small, phone, async (page) => {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide).toBeLessThanOrEqual(0);
      const table = page.getByRole('region', { name: 'Volumes' });
      expect(await table.evaluate((element) => element.scrollWidth > element.clientWidth)).toBe(true);
      const sizes = await page
        .locator('p, td, th')
        .evaluateAll((all) => all.map((one) => parseFloat(getComputedStyle(one).fontSize)));
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(13);
    });
  });

  it.each(['light', 'dark'] as const)('has letters that stand out, %s', async (colorScheme) => {
    await opened(small, { ...screen, colorScheme }, async (page) => {
      const contrasts = await page.evaluate(() => {
        const luminance = (colour: string): number => {
          const [r = 0, g = 0, b = 0] = (colour.match(/\d+/g) ?? []).map((part) => {
            const share = Number(part) / 255;
            return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = luminance(getComputedStyle(document.body).backgroundColor);
        return [...document.querySelectorAll('h1, p, figcaption, td, summary, footer')].map((element) => {
          const letters = luminance(getComputedStyle(element).color);
          return (Math.max(letters, ground) + 0.05) / (Math.min(letters, ground) + 0.05);
        });
      });
      expect(contrasts.length).toBeGreaterThan(100);
      // WCAG 2.2, level AA.
      expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(4.5);
    });
  });

  it('of 5,000 volumes can be sorted and filtered', async () => {
    await opened(large, screen, async (page) => {
      await page.getByRole('columnheader', { name: 'Snapshots' }).getByRole('button').click();
      await page.getByLabel('Filter').fill('file share 625');
      expect(await names(page)).toHaveLength(1);
      await expect(page.getByRole('status').innerText()).resolves.toBe('1 of 5000 volumes');
    });
  });
});
