import { Option, type Command } from 'commander';
import { z } from 'zod';
import { AppError } from '../core/index.js';
import type { DoctorRequest } from '../commands/index.js';

const options = z.object({
  bucket: z.string().min(1).optional(),
  tag: z.string(),
  mountPoint: z.string(),
  gpgRecipient: z.array(z.string()).optional(),
  json: z.boolean().optional(),
});

/** Adds the options of `doctor`: those of `migrate` that what it needs depends on. */
export function addDoctorOptions(command: Command): Command {
  return command
    .addOption(new Option('--bucket <name>', 'the S3 bucket to upload to; without it no bucket is looked at'))
    .addOption(new Option('--tag <name>', 'the tag of snapshots and temporary volumes').default('snap-to-s3'))
    .addOption(new Option('--mount-point <path>', 'where temporary volumes are mounted').default('/mnt'))
    .addOption(new Option('--gpg-recipient <key...>', 'look for gpg too, because archives are to be encrypted'))
    .addOption(new Option('--json', 'findings as NDJSON on standard output, one object a line'));
}

/** Everything that `doctor` takes from its command line. */
export interface DoctorCommand {
  readonly request: DoctorRequest;
  readonly json: boolean;
}

/** Checks what commander has read. Throws `usage`. */
export function readDoctorOptions(given: unknown): DoctorCommand {
  const parsed = options.safeParse(given);
  if (!parsed.success) {
    throw new AppError('usage', '--bucket has no name.', { hint: 'For example: --bucket backups.example.com' });
  }
  const { bucket, tag, mountPoint, gpgRecipient, json = false } = parsed.data;
  return {
    json,
    request: {
      // As `migrate` takes it.
      bucket: bucket?.replace(/^s3:\/\//, '').replace(/\/$/, ''),
      tag,
      mountPoint,
      withGpg: gpgRecipient !== undefined,
    },
  };
}
