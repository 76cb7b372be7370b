import { z } from 'zod';
import { AppError } from '../core/index.js';

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
