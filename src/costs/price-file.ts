import { z } from 'zod';
import { AppError } from '../core/index.js';
import { listPrices, type Prices } from './prices.js';

const dollars = z.number().nonnegative();
const storageClass = z
  .strictObject({ perGiBMonth: dollars, perThousandPuts: dollars, leastDays: z.number().int().nonnegative() })
  .partial();
const priceFile = z.strictObject({
  /** The day of these prices. */
  date: z.iso.date(),
  regions: z.record(
    z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'is no region'),
    z
      .strictObject({
        snapshotPerGiBMonth: dollars,
        snapshotArchive: z
          .strictObject({ perGiBMonth: dollars, restorePerGiB: dollars, leastDays: z.number().int().nonnegative() })
          .partial(),
        volumePerGiBMonth: z.record(z.string(), dollars),
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

/** Prices of a region, and whose they are. */
export interface RegionPrices extends Prices {
  /** False where the region's own are not known, and these are those of the list's region. */
  readonly isOwn: boolean;
}

/** The prices of a region: what the file says, over the list. */
export function pricesOf(region: string, file?: PriceFile): RegionPrices {
  const own = file?.regions[region];
  if (file === undefined || own === undefined) return { ...listPrices, isOwn: region === listPrices.region };
  const storage = Object.fromEntries(
    Object.entries(listPrices.storage).map(([name, price]) => [
      name,
      { ...price, ...defined(own.storage?.[name as keyof typeof listPrices.storage]) },
    ]),
  ) as unknown as Prices['storage'];
  return {
    region,
    date: file.date,
    snapshotPerGiBMonth: own.snapshotPerGiBMonth ?? listPrices.snapshotPerGiBMonth,
    snapshotArchive: { ...listPrices.snapshotArchive, ...defined(own.snapshotArchive) },
    volumePerGiBMonth: { ...listPrices.volumePerGiBMonth, ...own.volumePerGiBMonth },
    storage,
    isOwn: true,
  };
}

/** Without what is undefined, which would hide what lies below. */
function defined<T extends object>(some: T | undefined): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(some ?? {}).filter(([, value]) => value !== undefined)) as never;
}
