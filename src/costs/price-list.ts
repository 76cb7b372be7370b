import type { PriceFile } from './price-file.js';

/**
 * AWS's list prices as far as known, in US dollars, in the shape of a file of `--prices`; us-east-1 is whole, and what another
 * region does not say is as there. Sources: aws.amazon.com/ebs/pricing and /s3/pricing, and the Price List as public
 * repositories quote it. From memory are the volumes, One Zone-IA, both Glacier classes, the requests and reading back, the instance (a
 * t3.medium), and of the other regions all but snapshots, gp3 and S3 Standard.
 */
export const priceList = {
  date: '2026-11-01',
  regions: {
    'us-east-1': {
      snapshotPerGiBMonth: 0.05,
      snapshotArchive: { perGiBMonth: 0.0125, restorePerGiB: 0.03, leastDays: 90 },
      directReadPerThousandBlocks: 0.003,
      volumePerGiBMonth: { standard: 0.05, gp2: 0.1, gp3: 0.08, io1: 0.125, io2: 0.125, st1: 0.045, sc1: 0.015 },
      instancePerHour: 0.0416,
      storage: {
        STANDARD: { perGiBMonth: 0.023, perThousandPuts: 0.005, leastDays: 0, retrievalPerGiB: 0 },
        STANDARD_IA: { perGiBMonth: 0.0125, perThousandPuts: 0.01, leastDays: 30, retrievalPerGiB: 0.01 },
        ONEZONE_IA: { perGiBMonth: 0.01, perThousandPuts: 0.01, leastDays: 30, retrievalPerGiB: 0.01 },
        INTELLIGENT_TIERING: { perGiBMonth: 0.023, perThousandPuts: 0.005, leastDays: 0, retrievalPerGiB: 0 },
        GLACIER_IR: { perGiBMonth: 0.004, perThousandPuts: 0.02, leastDays: 90, retrievalPerGiB: 0.03 },
        GLACIER: {
          perGiBMonth: 0.0036,
          perThousandPuts: 0.03,
          leastDays: 90,
          retrievalPerGiB: 0.01,
          expeditedPerGiB: 0.03,
          bulkPerGiB: 0,
        },
        DEEP_ARCHIVE: {
          perGiBMonth: 0.00099,
          perThousandPuts: 0.05,
          leastDays: 180,
          retrievalPerGiB: 0.02,
          bulkPerGiB: 0.0025,
        },
      },
    },
    'us-west-2': {
      snapshotPerGiBMonth: 0.05,
      volumePerGiBMonth: { gp3: 0.08 },
      storage: { STANDARD: { perGiBMonth: 0.023 } },
    },
    'eu-central-1': {
      snapshotPerGiBMonth: 0.054,
      snapshotArchive: { perGiBMonth: 0.0135 },
      volumePerGiBMonth: { io2: 0.149 },
      storage: {
        STANDARD: { perGiBMonth: 0.0245 },
        STANDARD_IA: { perGiBMonth: 0.0135 },
        ONEZONE_IA: { perGiBMonth: 0.0108 },
        GLACIER_IR: { perGiBMonth: 0.005 },
        DEEP_ARCHIVE: { perGiBMonth: 0.0018 },
      },
    },
  },
} as const satisfies PriceFile;
