import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { EC2Client } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import type { Cloud, DoctorDependencies, FoundCredentials } from '../commands/index.js';
import { AppError, messageOf, systemClock, type RetryPolicy } from '../core/index.js';
import { callerIdentity, createDryRuns, createEc2, currentInstance } from '../source/index.js';
import { clientDefaults, hasOwnEndpoint } from './compose.js';
import { usualCredentials } from './credentials.js';
import { serverDates } from './server-dates.js';

/** What the composition needs to know of the command. */
export interface DoctorComposition {
  readonly bucket: string | undefined;
  readonly signal: AbortSignal;
}

/** Someone waits for the answer: an outage that lasts is a finding. */
const retryPolicy: RetryPolicy = { attempts: 4, firstPauseMs: 200, longestPauseMs: 2_000, totalMs: 10_000 };

/** Builds everything real that `doctor` looks with. Throws nothing: what is not there is what it finds. */
export function composeDoctor({ bucket, signal }: DoctorComposition): DoctorDependencies {
  const { AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  return {
    machine: {
      nodeVersion: process.versions.node,
      isRoot: process.getuid?.() === 0,
      temporaryDirectory: tmpdir(),
      gnupgHome: process.env.GNUPGHOME,
    },
    findInstance: () => currentInstance(AWS_EC2_METADATA_SERVICE_ENDPOINT),
    otherRegion: AWS_REGION ?? AWS_DEFAULT_REGION,
    connect: (region) => connect(region, bucket),
    runId: randomUUID(),
    signal,
  };
}

function connect(region: string, bucket: string | undefined): Cloud {
  const chain = usualCredentials();
  const settings = { ...clientDefaults, region, credentials: chain };
  const ec2 = new EC2Client(settings);
  const sts = new STSClient(settings);
  const s3 = new S3Client({ ...settings, followRegionRedirects: true, forcePathStyle: hasOwnEndpoint() });
  const dates = serverDates(systemClock);
  dates.watch('EC2', ec2);
  dates.watch('STS', sts);
  dates.watch('S3', s3);
  const asking = { clock: systemClock, retryPolicy };
  return {
    credentials: () => findCredentials(chain),
    caller: (signal) => callerIdentity(sts, { ...asking, signal }),
    ec2: createEc2(ec2, asking),
    dryRuns: createDryRuns(ec2, asking),
    store: bucket === undefined ? undefined : { client: s3, bucket, temporaryDirectory: tmpdir(), ...asking },
    clockOffsets: () => dates.offsets(),
    [Symbol.dispose]: () => {
      for (const client of [ec2, sts, s3]) client.destroy();
    },
  };
}

/** What the SDK's providers give. */
interface Given {
  readonly accessKeyId: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
  /** By which way they came; of the environment it is `CREDENTIALS_ENV_VARS`. */
  readonly $source?: Readonly<Record<string, string>>;
}

async function findCredentials(chain: () => Promise<Given>): Promise<FoundCredentials> {
  let given: Given;
  try {
    given = await chain();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const said = messageOf(error);
    const nowhere = /could not load credentials from any providers/i.test(said);
    throw new AppError(
      'credentials',
      nowhere
        ? 'There are no AWS credentials: not in the environment, not in a profile, and this instance has no role.'
        : `The AWS credentials cannot be loaded: ${said}`,
      {
        cause: error,
        hint: 'Attach an IAM role with the permissions of docs/iam-policy.json to this instance; or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      },
    );
  }
  const isFromEnvironment = given.$source !== undefined && 'CREDENTIALS_ENV_VARS' in given.$source;
  return {
    accessKeyId: given.accessKeyId,
    expiresAt: given.expiration,
    endForGood: isFromEnvironment && given.sessionToken !== undefined,
  };
}
