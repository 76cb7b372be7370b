import { tmpdir } from 'node:os';
import { availableParallelism } from 'node:os';
import { S3Client } from '@aws-sdk/client-s3';
import { archiveObject } from '../../src/commands/archive-object.js';
import { snapshotId, systemClock } from '../../src/core/index.js';
import { generatedBytes } from './generated.js';
import { bucket } from './stand.js';

/** Archives a generated stream as an image, as the command would with its defaults, and prints the peak of its memory in MiB. */
export async function archiveGenerated(sizeBytes: number): Promise<void> {
  const client = new S3Client({ forcePathStyle: true, maxAttempts: 1 });
  const never = new AbortController().signal;
  await archiveObject(
    {
      snapshotId: snapshotId('snap-0123456789abcdef0'),
      target: { key: 'generated', contentType: 'application/x-lz4' },
      content: 'image',
      codec: 'lz4',
      level: 1,
      expectedBytes: sizeBytes,
      boundBytes: sizeBytes,
      uploadStreams: 1,
      open: (signal) => generatedBytes(sizeBytes, signal),
    },
    {
      store: { client, bucket, clock: systemClock, temporaryDirectory: tmpdir() },
      clock: systemClock,
      events: () => undefined,
      parallelism: availableParallelism(),
      signal: never,
    },
  );
  client.destroy();
}
