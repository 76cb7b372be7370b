import { count, systemClock } from '../core/index.js';
import { fetchPrices, priceList, pricedRegions, pricesOf, refreshedPrices } from '../costs/index.js';
import { exitStatus } from './exit-status.js';
import { usage, type OptionValues } from './options/index.js';
import { readPriceFile, refreshedBefore, usualPriceFile, writePriceFile } from './price-file-of.js';
import type { Output } from './render/index.js';
import { ndjsonLine } from './render/ndjson.js';
import { pricesLines } from './render/prices.js';
import { openReport } from './report.js';
import { processSignals } from './signals.js';
import { readTelling } from './telling.js';

/** `snap-to-s3 prices` and `snap-to-s3 prices refresh [regions]`. Returns the exit status. */
export async function runPrices(values: OptionValues, output: Output, words: readonly string[]): Promise<number> {
  const [verb, ...regions] = words;
  if (verb === undefined) return showPrices(values, output);
  if (verb === 'refresh') return refreshPrices(values, output, regions);
  throw usage(
    `${JSON.stringify(verb)} is nothing that can be done with prices.`,
    'Run snap-to-s3 prices to see them, or snap-to-s3 prices refresh to fetch them from AWS.',
  );
}

async function showPrices(values: OptionValues, { stdout }: Output): Promise<number> {
  const file = await readPriceFile(values.text('prices'));
  const prices = pricedRegions(file).map((region) => pricesOf(region, file));
  if (values.isOn('json')) for (const one of prices) stdout.write(ndjsonLine({ kind: 'prices', ...one }));
  else for (const line of pricesLines(prices)) stdout.write(`${line}\n`);
  return exitStatus.done;
}

async function refreshPrices(values: OptionValues, output: Output, regions: readonly string[]): Promise<number> {
  const telling = readTelling(values);
  const path = values.text('prices') ?? usualPriceFile();
  using report = await openReport({ stdout: output.stderr, stderr: output.stderr }, { ...telling, json: false });
  using signals = processSignals((sentence) => report.say(sentence));
  const { composePricing } = await import('./compose.js');
  using pricing = await composePricing((event) => report.event(event));
  const before = await refreshedBefore(path);
  const prices = await fetchPrices(pricing.client, {
    clock: systemClock,
    habits: pricing.habits,
    signal: signals.signal,
    ...(regions.length === 0 ? {} : { regions }),
    ...(telling.json ? {} : { onQuestion: (about) => report.say(`Asking for the prices of ${about}.`) }),
  });
  const missing = regions.filter((region) => prices.regions[region] === undefined);
  for (const region of missing) report.say(`The Price List has no prices of ${region}.`);
  await writePriceFile(path, refreshedPrices(before, prices));
  const found = Object.keys(prices.regions);
  if (telling.json) output.stdout.write(ndjsonLine({ kind: 'refreshed', path, date: prices.date, regions: found }));
  else {
    output.stdout.write(
      `Prices of ${count(found.length, 'region')}, ${prices.date}, are in ${path}. They count over the list of ${priceList.date}.\n`,
    );
  }
  return missing.length === 0 ? exitStatus.done : exitStatus.failed;
}
