import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { EC2Client } from '@aws-sdk/client-ec2';
import { administrator } from '../../../sandbox/iam/index.js';
import { noDelays, startSandbox } from '../../../sandbox/index.js';
import { runClient, runClientWell, type ClientOptions, type Outcome } from './client.js';

/** Where Debian's packages put their programs; others of the same names may come first in the PATH of a machine. */
const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/** The only region in which the clients sign. */
export const region = 'us-east-1';

/** What one run of a client has besides what all have. */
export type RunOptions = Partial<ClientOptions>;

/** A whole local AWS for clients that nobody here wrote, and a place for them to work in. */
export interface InteropSandbox extends AsyncDisposable {
  readonly url: string;
  /** A folder for the files of a test; gone afterwards. */
  readonly folder: string;
  /** What a client's environment consists of: nothing of the machine's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** The official SDK, which sees what the client has really done. */
  readonly s3: S3Client;
  readonly ec2: EC2Client;
  /** Makes a bucket of a name of its own. */
  bucket(): Promise<string>;
  /** A path in the folder that nothing has yet. */
  path(name: string): string;
  /** Runs a client that is to succeed and returns its standard output. Throws with all that it said. */
  run(argv: readonly string[], options?: RunOptions): Promise<Buffer>;
  /** {@link run} with the output as text. */
  text(argv: readonly string[], options?: RunOptions): Promise<string>;
  /** {@link run} with the output parsed as JSON; undefined for no output. */
  json(argv: readonly string[], options?: RunOptions): Promise<unknown>;
  /** Runs a client that may fail. */
  attempt(argv: readonly string[], options?: RunOptions): Promise<Outcome>;
}

/** Starts one; needs root for volumes only. Disposing throws when the sandbox noticed a defect. */
export async function interopSandbox(): Promise<InteropSandbox> {
  const folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-interop-'));
  const home = join(folder, 'home');
  await mkdir(home);
  const notices: string[] = [];
  const sandbox = await startSandbox({
    stateDirectory: join(folder, 'state'),
    port: 0,
    delays: noDelays,
    onNotice: (text) => notices.push(text),
  });
  const client = {
    endpoint: sandbox.url,
    region,
    credentials: administrator,
    maxAttempts: 1,
  };
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const ec2 = new EC2Client(client);
  const environment = {
    PATH: systemPath,
    HOME: home,
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    TMPDIR: folder,
    AWS_ACCESS_KEY_ID: administrator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: administrator.secretAccessKey,
    AWS_DEFAULT_REGION: region,
    AWS_REGION: region,
    // Nothing but the variables is to be asked for credentials, and no retry may hide a fault.
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const withDefaults = (options: RunOptions): ClientOptions => ({
    ...options,
    environment: { ...environment, ...options.environment },
  });
  const run: InteropSandbox['run'] = (argv, options = {}) => runClientWell(argv, withDefaults(options));
  let made = 0;
  return {
    url: sandbox.url,
    folder,
    environment,
    s3,
    ec2,
    bucket: async () => {
      made += 1;
      const Bucket = `interop-${made}`;
      await s3.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
    path: (name) => {
      made += 1;
      return join(folder, `${made}-${name}`);
    },
    run,
    text: async (argv, options) => (await run(argv, options)).toString(),
    json: async (argv, options) => {
      const output = (await run(argv, options)).toString();
      return output.trim() === '' ? undefined : (JSON.parse(output) as unknown);
    },
    attempt: (argv, options = {}) => runClient(argv, withDefaults(options)),
    [Symbol.asyncDispose]: async () => {
      s3.destroy();
      ec2.destroy();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
      if (notices.length > 0) throw new Error(`The sandbox said to its operator: ${notices.join('; ')}`);
    },
  };
}
