// Reads an archive to its end as `validate` does, and throws it away: `drain-process.js <key> <codec> <raw bytes>`.
// The endpoint and the keys come from the environment, as for the command.
import { availableParallelism, tmpdir } from 'node:os';
import { S3Client } from '@aws-sdk/client-s3';
import { openArchive } from '../../src/commands/index.js';
import { createBufferPool, systemClock } from '../../src/core/index.js';
import { bucket } from '../migrate/stand.js';

const [key = '', codec = '', wanted = ''] = process.argv.slice(2);
const pool = createBufferPool();
const archive = await openArchive(
  { key, codec: codec === 'zstd' ? 'zstd' : 'lz4', encrypted: false },
  {
    store: {
      client: new S3Client({ forcePathStyle: true, maxAttempts: 1 }),
      bucket,
      clock: systemClock,
      temporaryDirectory: tmpdir(),
    },
    streams: 8,
    pool,
    parallelism: availableParallelism(),
  },
);
for await (const raw of archive) pool.giveBack(raw);
const { rawBytes } = archive.verdict();
if (rawBytes !== Number(wanted)) throw new Error(`${rawBytes} bytes came instead of ${wanted}.`);
process.exit();
