import { z } from 'zod';
import { AppError } from '../core/index.js';

const dollars = z.number().nonnegative();
const storageClass = z
  .strictObject({
    perGiBMonth: dollars,
    perThousandPuts: dollars,
    leastDays: z.number().int().nonnegative(),
    retrievalPerGiB: dollars,
    expeditedPerGiB: dollars,
    bulkPerGiB: dollars,
  })
  .partial();
const priceFile = z.strictObject({
  /** The day of these prices. */
  date: z.iso.date(),
  /** `prices refresh` writes it, and overwrites no file without it. */
  source: z.literal('AWS Price List').optional(),
  regions: z.record(
    z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'is no region'),
    z
      .strictObject({
        /** The day of this region's, if it is another. */
        date: z.iso.date(),
        snapshotPerGiBMonth: dollars,
        snapshotArchive: z
          .strictObject({ perGiBMonth: dollars, restorePerGiB: dollars, leastDays: z.number().int().nonnegative() })
          .partial(),
        directReadPerThousandBlocks: dollars,
        volumePerGiBMonth: z.record(z.string(), dollars),
        instancePerHour: dollars,
        storage: z
          .strictObject({
            STANDARD: storageClass,
            STANDARD_IA: storageClass,
            ONEZONE_IA: storageClass,
            INTELLIGENT_TIERING: storageClass,
            GLACIER_IR: storageClass,
            GLACIER: storageClass,
            DEEP_ARCHIVE: storageClass,
          })
          .partial(),
      })
      .partial(),
  ),
});

/** A file of `--prices`: what it does not say is as in the list. */
export type PriceFile = z.infer<typeof priceFile>;

/** Fresh prices over those that were fetched before: of a region that is fetched anew none of the old ones remain. */
export function refreshedPrices(before: PriceFile | undefined, fresh: PriceFile): PriceFile {
  const kept = Object.entries(before?.regions ?? {}).map(([region, prices]): [string, typeof prices] => {
    return [region, { ...prices, date: prices.date ?? before?.date }];
  });
  const regions = { ...Object.fromEntries(kept), ...fresh.regions };
  const sorted = Object.entries(regions).sort(([one], [other]) => (one < other ? -1 : 1));
  return { ...fresh, regions: Object.fromEntries(sorted) };
}

/** Reads the text of a price file. Throws `usage`, naming the field. `where` is its path, for the message. */
export function parsePriceFile(text: string, where: string): PriceFile {
  const hint =
    'It looks like {"date": "2026-11-01", "regions": {"eu-west-1": {"snapshotPerGiBMonth": 0.05}}}; see the guide on costs.';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new AppError('usage', `${where} is not JSON.`, { hint, cause });
  }
  const parsed = priceFile.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join('.') ?? '';
  throw new AppError(
    'usage',
    `${where} is no list of prices: ${field === '' ? '' : `${field}: `}${issue?.message ?? ''}.`,
    {
      hint,
      cause: parsed.error,
    },
  );
}
