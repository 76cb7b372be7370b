import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { adviceTotals, movePlan, type AdvisedRegion, type AdvisedVolume } from '../../commands/costs/index.js';
import { count } from '../../core/index.js';
import { destinations, snapshotCount, type BilledDay, type ClassPlan } from '../../costs/index.js';
import {
  adviceSentence,
  byFallingSaving,
  currencyOf,
  footLines,
  idOf,
  paybackMonth,
  rangeText,
  ratioText,
  type AdviceContext,
} from '../render/advice.js';
import { destinationNames, sharePercent } from '../render/estimate.js';
import { money } from '../render/money.js';
import { charts, type Chart } from './charts.js';
import { style } from './style.js';

/** What the page is made of. */
export interface PageContent {
  readonly regions: readonly AdvisedRegion[];
  readonly context: AdviceContext;
  readonly days: readonly BilledDay[];
  /** Shown as a date. */
  readonly madeAt: Date;
}

/**
 * The page of `--html`, piece by piece: one file with everything in it, which asks no network for anything, and by its own
 * policy could not. What comes from reports and tags is text in it, never markup.
 */
export async function* page(content: PageContent): AsyncGenerator<string> {
  const { regions, context, madeAt } = content;
  const [library, script] = await Promise.all([chartLibrary(), readFile(scriptPath, 'utf8')]);
  const shown = charts(regions, content);
  const totals = adviceTotals(regions);
  const name = destinationNames[context.destination];
  const currency = currencyOf(regions);
  const write = (amount: number): string => money(amount, currency);
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy([library, script])}">
<title>EBS snapshots: what they cost, and which are worth moving</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>EBS snapshots cost ${text(write(totals.dollarsPerMonth))} a month${
    totals.volumesToMove === 0 ? '' : `; ${text(write(totals.savesDollarsPerMonth))} of that can be saved`
  }</h1>
<p>${text(
    totals.volumesToMove === 0
      ? `Nothing would be saved by moving snapshots to ${name}.`
      : `${count(totals.snapshotsToMove, 'snapshot')} of ${count(totals.volumesToMove, 'volume')} are worth moving to ${name}. ` +
          `Moving costs ${rangeText(totals.onceDollars, write)} once. The saving begins when they are deleted in EBS.`,
  )}</p>
<p class="dim">${text(`Full copies, compressed ${ratioText(context)}. Made ${madeAt.toISOString().slice(0, 10)}.`)}</p>
</header>
<main>
<div class="charts">
`;
  for (const chart of shown) yield figure(chart, write);
  yield '</div>\n';
  yield* volumesTable(regions, { columns: columnsOf(context, write) });
  yield `</main>
<footer>
${[...footLines(regions)].map((line) => `<p>${text(line)}</p>`).join('\n')}
</footer>
<script type="application/json" id="charts">${json(shown)}</script>
<script>${library}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}

const scriptPath = join(import.meta.dirname, 'browser', 'page.js');

/** Chart.js in one file, as its authors build it. */
async function chartLibrary(): Promise<string> {
  const main = createRequire(import.meta.url).resolve('chart.js');
  const library = await readFile(join(dirname(main), 'chart.umd.min.js'), 'utf8');
  return library.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
}

/** Nothing may be loaded, and no script may run but these. */
function policy(scripts: readonly string[]): string {
  const hashes = scripts.map((script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  return `default-src 'none'; style-src 'unsafe-inline'; script-src ${hashes.join(' ')}; base-uri 'none'; form-action 'none'`;
}

function figure(chart: Chart, money: (amount: number) => string): string {
  const { id, title, says, labels, labelsAre, series } = chart;
  const write = chart.unit === 'money' ? money : (value: number): string => sharePercent(value / 100);
  const head = [labelsAre, ...series.map((one) => one.name)];
  const rows = labels.map((label, at) => [label, ...series.map(({ values }) => write(values[at] ?? 0))]);
  return `<figure>
<h2 id="${id}-title">${text(title)}</h2>
<figcaption id="${id}-says">${text(says)}</figcaption>
<div class="canvas ${chart.kind}"><canvas id="${id}" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-says"></canvas></div>
<details><summary>The same as a table</summary>
<div class="scroll" tabindex="0" role="region" aria-label="${text(title)} as a table"><table>
<thead><tr>${head.map((cell, at) => `<th scope="col"${at === 0 ? '' : ' class="number"'}>${text(cell)}</th>`).join('')}</tr></thead>
<tbody>${rows
    .map(
      ([first = '', ...cells]) =>
        `<tr><th scope="row">${text(first)}</th>${cells.map((cell) => `<td class="number">${text(cell)}</td>`).join('')}</tr>`,
    )
    .join('\n')}</tbody>
</table></div></details>
</figure>
`;
}

interface Column {
  readonly heading: string;
  readonly kind: 'text' | 'number';
  readonly className?: string;
  readonly cell: (volume: AdvisedVolume) => string;
  /** Smaller lines below it. */
  readonly below?: (volume: AdvisedVolume) => readonly string[];
  /** What it is sorted by; empty comes last. */
  readonly sort?: (volume: AdvisedVolume) => number | string | undefined;
}

/** What is in the table of volumes; amounts are written by `write`. */
function columnsOf(context: AdviceContext, write: (amount: number) => string): readonly Column[] {
  const amounts = (heading: string, of: (volume: AdvisedVolume) => number | undefined, className?: string): Column => ({
    heading,
    kind: 'number',
    ...(className === undefined ? {} : { className }),
    sort: of,
    cell: (volume) => {
      const amount = of(volume);
      return amount === undefined ? '' : write(amount);
    },
  });
  return [
    {
      heading: 'Volume',
      kind: 'text',
      cell: (volume) => nameOf(volume.name) ?? (volume.origin === 'unknown' ? 'unknown volumes' : idOf(volume)),
    },
    { heading: 'Advice', kind: 'text', className: 'advice', cell: ({ advice }) => adviceSentence(advice, context) },
    {
      heading: 'Region',
      kind: 'text',
      cell: ({ region, account }) => `${region === '' ? 'unknown' : region} ${account}`.trim(),
    },
    {
      heading: 'Size',
      kind: 'number',
      cell: ({ volumeGiB }) => (volumeGiB === undefined ? '' : `${volumeGiB.toLocaleString('en-US')} GiB`),
      sort: ({ volumeGiB }) => volumeGiB,
    },
    {
      heading: 'Snapshots',
      kind: 'number',
      cell: (volume) => snapshotCount(volume).toLocaleString('en-US'),
      sort: snapshotCount,
    },
    {
      heading: 'Mean change',
      kind: 'number',
      cell: ({ advice: { meanChange } }) => (meanChange === undefined ? '' : sharePercent(meanChange)),
      sort: ({ advice: { meanChange } }) => meanChange,
    },
    amounts('Now', ({ advice }) => advice.dollarsPerMonth),
    ...destinations.map((destination): Column => {
      const planOf = ({ advice }: AdvisedVolume): ClassPlan | undefined =>
        advice.classes.find((one) => one.destination === destination);
      return {
        ...amounts(destinationNames[destination], (volume) => planOf(volume)?.dollarsPerMonth, 'class'),
        below: (volume) => moveTakes(planOf(volume), write),
      };
    }),
    amounts('After', ({ advice }) => movePlan(advice)?.dollarsPerMonthAfter),
    amounts('Saves', ({ advice }) => movePlan(advice)?.savesDollarsPerMonth),
    {
      heading: 'Moving costs',
      kind: 'number',
      cell: ({ advice }) => {
        const plan = movePlan(advice);
        return plan === undefined ? '' : rangeText(plan.onceDollars, write);
      },
      sort: ({ advice }) => movePlan(advice)?.onceDollars.high,
    },
    {
      heading: 'Pays off',
      kind: 'number',
      cell: ({ advice }) => {
        const plan = movePlan(advice);
        return plan === undefined ? '' : `month ${paybackMonth(plan.paybackMonths ?? 0)}`;
      },
      sort: ({ advice }) => movePlan(advice)?.paybackMonths,
    },
    amounts('Direct reads', ({ advice }) => movePlan(advice)?.directReadDollars, 'class'),
    amounts('Least term', ({ advice }) => movePlan(advice)?.leastTermDollars, 'class'),
    amounts('One copy back', ({ advice }) => movePlan(advice)?.backDollars, 'class'),
  ];
}

/** Below what a class costs: what it takes to move there what is worth moving there. */
function moveTakes(plan: ClassPlan | undefined, write: (amount: number) => string): readonly string[] {
  if (plan === undefined) return [];
  if (plan.moved === 0) return ['saves nothing'];
  return [
    `moving ${plan.moved}: ${rangeText(plan.onceDollars, write)}`,
    `direct reads: ${write(plan.directReadDollars)}`,
    `least term: ${write(plan.leastTermDollars)}`,
    `one copy back: ${write(plan.backDollars)}`,
    `pays off: month ${paybackMonth(plan.paybackMonths ?? 0)}`,
  ];
}

function* volumesTable(
  regions: readonly AdvisedRegion[],
  { columns }: { readonly columns: readonly Column[] },
): Generator<string> {
  const volumes = byFallingSaving(regions);
  const saves = columns.findIndex(({ heading }) => heading === 'Saves');
  const classOf = ({ kind, className }: Column): string =>
    [...(kind === 'number' ? ['number'] : []), ...(className === undefined ? [] : [className])].join(' ');
  yield `<h2 id="volumes">Volumes</h2>
<div class="tools">
<label>Filter <input type="search" id="filter" placeholder="name, region, advice" aria-controls="table"></label>
<label><input type="checkbox" id="all-classes"> Costs in each class, and what moving there takes</label>
<span role="status"><span id="shown">${volumes.length} of ${volumes.length}</span> volumes</span>
</div>
<div class="scroll" tabindex="0" role="region" aria-labelledby="volumes">
<table class="volumes" id="table">
<thead><tr>
`;
  for (const [at, column] of columns.entries()) {
    const sorted = at === saves ? ' aria-sort="descending"' : '';
    yield `<th scope="col" class="${classOf(column)}"${sorted}><button type="button">${column.heading}</button></th>\n`;
  }
  yield '</tr></thead>\n<tbody>\n';
  for (const volume of volumes) {
    const cells = columns.map((column, at) => {
      const cell = column.cell(volume);
      const key = column.sort === undefined ? cell : (column.sort(volume) ?? '');
      const attributes = `class="${classOf(column)}" data-sort="${text(String(key))}"`;
      if (at === 0) return `<th scope="row" ${attributes}>${text(cell)}${belowName(volume)}</th>`;
      return `<td ${attributes}>${text(cell)}${small(column.below?.(volume) ?? [])}</td>`;
    });
    yield `<tr${movePlan(volume.advice) === undefined ? '' : ' class="moves"'}>${cells.join('')}</tr>\n`;
  }
  yield '</tbody>\n</table>\n</div>\n';
}

function nameOf(name: string | undefined): string | undefined {
  return name === undefined || name === '' ? undefined : name;
}

/** The id where the name stands first, and that the volume is gone. */
function belowName(volume: AdvisedVolume): string {
  const { origin, name, isDeleted } = volume;
  const notes = [
    ...(nameOf(name) === undefined ? [] : [idOf(volume)]),
    ...(origin === 'copy' ? ['copy'] : []),
    ...(isDeleted === true ? ['deleted'] : []),
  ];
  return small(notes);
}

function small(lines: readonly string[]): string {
  // One element, however many lines: there may be thousands of volumes.
  return lines.length === 0 ? '' : `<span class="dim below">${text(lines.join('\n'))}</span>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML has it, in elements and attributes. */
function text(plain: string): string {
  return plain.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** JSON in which nothing ends the script that it stands in. */
function json(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
