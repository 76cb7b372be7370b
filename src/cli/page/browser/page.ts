// What runs in the page: draws the charts of its data with Chart.js, sorts and filters its table. Everything it shows is in
// the page as text and tables, too.
import type { Chart as ChartOf, ChartConfiguration, ChartDataset } from 'chart.js';

declare global {
  var Chart: typeof ChartOf;
}

interface Described {
  readonly id: string;
  readonly kind: 'bars' | 'lying-bars' | 'lines';
  readonly unit: 'money' | 'percent';
  readonly sign: string;
  readonly labels: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
  readonly points?: readonly { readonly x: number; readonly y: number; readonly name: string }[];
}

const described = JSON.parse(document.getElementById('charts')?.textContent ?? '[]') as readonly Described[];
const drawn: ChartOf[] = [];

/** Lines and points are told apart by their pattern and shape, not by their colour alone. */
const dashes = [[], [6, 3], [2, 2], [10, 3, 2, 3], [14, 4], [4, 6]];
const shapes = ['circle', 'rect', 'triangle', 'rectRot', 'star', 'crossRot'] as const;

const ofVolumes = 'Your volumes';

function draw(): void {
  for (const chart of drawn.splice(0)) chart.destroy();
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  Chart.defaults.color = colour('--text');
  Chart.defaults.borderColor = colour('--line');
  Chart.defaults.font.family = style.fontFamily;
  Chart.defaults.animation = false;
  for (const one of described) {
    const canvas = document.getElementById(one.id);
    if (canvas instanceof HTMLCanvasElement) drawn.push(new Chart(canvas, configured(one, colour)));
  }
}

function configured(one: Described, colour: (name: string) => string): ChartConfiguration {
  const write = one.unit === 'money' ? (amount: number): string => one.sign + digits(amount) : percent;
  const colours = ['--one', '--two', '--three', '--four', '--five', '--six'].map(colour);
  const labels = { color: colour('--text'), usePointStyle: one.kind === 'lines' };
  const legend = { display: one.series.length > 1, labels };
  if (one.kind === 'lines') {
    const xs = one.labels.map(parseFloat);
    const datasets: ChartDataset[] = one.series.map(({ name, values }, at) => ({
      type: 'line',
      label: name,
      data: values.map((y, index) => ({ x: xs[index] ?? 0, y })),
      borderColor: colours[at] ?? '',
      backgroundColor: colours[at] ?? '',
      borderDash: dashes[at] ?? [],
      pointStyle: shapes[at] ?? 'circle',
      borderWidth: 2,
      pointRadius: 3,
    }));
    const names = one.points?.map(({ name }) => name) ?? [];
    datasets.push({
      type: 'scatter',
      label: ofVolumes,
      data: (one.points ?? []).map(({ x, y }) => ({ x, y })),
      backgroundColor: colour('--text'),
      pointStyle: 'cross',
      borderColor: colour('--text'),
      pointRadius: 6,
      borderWidth: 2,
    });
    datasets.push({
      type: 'line',
      label: 'EBS',
      data: [
        { x: 0, y: 100 },
        { x: 100, y: 100 },
      ],
      borderColor: colour('--text'),
      borderWidth: 1,
      pointRadius: 0,
      pointStyle: 'line',
    });
    return {
      type: 'line',
      data: { datasets },
      options: {
        responsive: true,
        maintainAspectRatio: false,
        scales: {
          x: { type: 'linear', min: 0, max: 100, ticks: { callback: (x) => `${x}%` } },
          y: { type: 'logarithmic', ticks: { callback: (y) => (isRound(Number(y)) ? percent(Number(y)) : '') } },
        },
        plugins: {
          legend,
          tooltip: {
            callbacks: {
              label: ({ dataset, dataIndex, parsed }) => {
                const name = dataset.label === ofVolumes ? names[dataIndex] : dataset.label;
                return `${name ?? ''}: ${percent(parsed.y ?? 0)} at ${percent(parsed.x ?? 0)} change`;
              },
            },
          },
        },
      },
    };
  }
  const isLying = one.kind === 'lying-bars';
  return {
    type: 'bar',
    data: {
      labels: [...one.labels],
      datasets: one.series.map(({ name, values }, at) => ({
        label: name,
        data: [...values],
        backgroundColor: at === 0 ? (colours[0] ?? '') : 'transparent',
        borderColor: colours[at] ?? '',
        // A border over bars of the same colour makes stripes.
        borderWidth: at === 0 ? 0 : 2,
      })),
    },
    options: {
      indexAxis: isLying ? 'y' : 'x',
      responsive: true,
      maintainAspectRatio: false,
      scales: {
        [isLying ? 'x' : 'y']: {
          beginAtZero: true,
          ticks: {
            callback: (value: number | string, _: number, all: readonly { readonly value: number }[]) =>
              one.unit === 'money' ? one.sign + evenly(Number(value), all) : percent(Number(value)),
          },
        },
        // Every volume has its name, however little room there is.
        ...(isLying ? { y: { ticks: { autoSkip: false, font: { size: 11 } } } } : {}),
      },
      plugins: {
        legend,
        tooltip: {
          callbacks: {
            label: ({ dataset, parsed }) => `${dataset.label ?? ''}: ${write((isLying ? parsed.x : parsed.y) ?? 0)}`,
          },
        },
      },
    },
  };
}

function digits(amount: number): string {
  const shown = amount !== 0 && Math.abs(amount) < 100 ? 2 : 0;
  return amount.toLocaleString('en-US', { minimumFractionDigits: shown, maximumFractionDigits: shown });
}

/** All figures of an axis have cents, or none has. */
function evenly(amount: number, all: readonly { readonly value: number }[]): string {
  const areWhole = all.every(({ value }) => Number.isInteger(value));
  const shown = areWhole ? 0 : Math.max(2, ...all.map(({ value }) => decimals(value)));
  return amount.toLocaleString('en-US', { minimumFractionDigits: shown, maximumFractionDigits: shown });
}

function decimals(value: number): number {
  return String(Number(value.toFixed(6))).split('.')[1]?.length ?? 0;
}

/** 1, 2 and 4 and their tenfolds: the others have no room on an axis of that kind. */
function isRound(value: number): boolean {
  return /^[124](?:e|$)/.test(Number(value.toPrecision(6)).toExponential());
}

function percent(value: number): string {
  return `${Number(value.toPrecision(2))}%`;
}

const table = document.querySelector<HTMLTableElement>('table.volumes');
const body = table?.querySelector('tbody');
const counted = document.getElementById('shown');
const rows = [...(body?.rows ?? [])];

/** Numbers by size, texts by the alphabet; what is not known comes last either way. */
function sortBy(column: number, isFalling: boolean): void {
  const keyOf = (row: HTMLTableRowElement): string => row.cells[column]?.dataset.sort ?? '';
  const isNumeric = table?.tHead?.rows[0]?.cells[column]?.classList.contains('number') === true;
  const direction = isFalling ? -1 : 1;
  rows.sort((a, b) => {
    const [one, other] = [keyOf(a), keyOf(b)];
    if (one === '' || other === '') return one === other ? 0 : one === '' ? 1 : -1;
    return direction * (isNumeric ? Number(one) - Number(other) : one.localeCompare(other));
  });
  body?.append(...rows);
}

for (const button of table?.querySelectorAll<HTMLButtonElement>('th button') ?? []) {
  button.addEventListener('click', () => {
    const heading = button.closest('th');
    if (heading === null) return;
    // Of numbers the largest are wanted first, of names the first.
    const before = heading.getAttribute('aria-sort');
    const isFalling = before === null ? heading.classList.contains('number') : before === 'ascending';
    for (const other of table?.querySelectorAll('th') ?? []) other.removeAttribute('aria-sort');
    heading.setAttribute('aria-sort', isFalling ? 'descending' : 'ascending');
    sortBy(heading.cellIndex, isFalling);
  });
}

document.getElementById('filter')?.addEventListener('input', ({ target }) => {
  const wanted = (target as HTMLInputElement).value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    row.hidden = wanted !== '' && !row.textContent.toLowerCase().includes(wanted);
    if (!row.hidden) shown += 1;
  }
  if (counted !== null) counted.textContent = `${shown} of ${rows.length}`;
});

document.getElementById('all-classes')?.addEventListener('change', ({ target }) => {
  table?.classList.toggle('all-classes', (target as HTMLInputElement).checked);
});

draw();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
