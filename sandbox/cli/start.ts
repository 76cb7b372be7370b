import { resolve } from 'node:path';
import { BucketAlreadyOwnedByYou, CreateBucketCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { AppError, messageOf } from '../../src/core/index.js';
import { controlSocket, reportOf, serveControl, type FaultRequest } from '../faults/index.js';
import type { LazyLoading } from '../ec2/index.js';
import { administrator, shippedPolicy } from '../iam/index.js';
import { administratorVariables, startSandbox, type Sandbox } from '../index.js';
import { faultSentence } from './faults.js';
import { interruption } from './interruption.js';

/** What `sandbox start` is given. */
export interface StartOptions {
  readonly state: string;
  readonly port: number;
  /** Made if it is not there; the instance's role gets docs/iam-policy.json for it. */
  readonly bucket: string;
  readonly fault?: readonly FaultRequest[];
  /** How much faster than on AWS archived objects come back. */
  readonly archiveSpeed: number;
  /** How fast a volume of a snapshot gives what has not been read of it yet. */
  readonly lazyLoading?: LazyLoading;
}

/** Runs a sandbox until SIGINT or SIGTERM. Prints `export …` lines, ready for eval. Throws `usage`. */
export async function startInForeground(options: StartOptions): Promise<void> {
  const { state, port, bucket, fault = [], archiveSpeed, lazyLoading } = options;
  const stateDirectory = resolve(state);
  using interrupted = interruption();
  const sandbox = await startSandbox({
    stateDirectory,
    port,
    archiveSpeed,
    ...(lazyLoading === undefined ? {} : { lazyLoading }),
    rolePolicies: [shippedPolicy({ bucket })],
    onNotice: (text) => console.error(text),
  });
  try {
    await makeBucket(bucket, sandbox);
    for (const request of fault) sandbox.faults.add(request);
    await using _control = await controlOf(sandbox, stateDirectory);
    console.log(exports(sandbox.environment).join('\n'));
    console.log('# As administrator instead:');
    console.log(
      exports(administratorVariables)
        .map((line) => `# ${line}`)
        .join('\n'),
    );
    console.error(`The sandbox runs at ${sandbox.url} and keeps its state in ${stateDirectory}. End it with Ctrl+C.`);
    if (process.getuid?.() !== 0) {
      console.error('It does not run as root, so volumes cannot be attached. Start it with sudo for that.');
    }
    await interrupted.happened;
    for (const fault of sandbox.faults.list()) console.error(faultSentence(reportOf(fault)));
  } finally {
    await sandbox.close();
  }
  console.error('The sandbox has ended; its state is kept.');
}

function exports(variables: Readonly<Record<string, string>>): string[] {
  return Object.entries(variables).map(([name, value]) => `export ${name}=${value}`);
}

async function makeBucket(Bucket: string, { url, region }: Sandbox): Promise<void> {
  const s3 = new S3Client({ endpoint: url, region, credentials: administrator, forcePathStyle: true });
  try {
    await s3.send(new CreateBucketCommand({ Bucket }));
  } catch (error) {
    if (error instanceof BucketAlreadyOwnedByYou) return;
    if (!(error instanceof S3ServiceException) || error.name !== 'InvalidBucketName') throw error;
    throw new AppError('usage', `"${Bucket}" cannot be the name of a bucket.`, {
      cause: error,
      hint: 'Give 3 to 63 lower-case letters, digits, dots and hyphens with --bucket.',
    });
  } finally {
    s3.destroy();
  }
}

/** A sandbox that cannot be told about faults is one all the same. */
async function controlOf({ faults }: Sandbox, stateDirectory: string): Promise<AsyncDisposable> {
  try {
    return await serveControl(faults, controlSocket(stateDirectory));
  } catch (error) {
    console.error(`snap-to-s3 sandbox faults cannot reach this sandbox: ${messageOf(error)}`);
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
}
