import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { administrator, shippedPolicy } from '../sandbox/iam/index.js';
import { startSandbox } from '../sandbox/index.js';
import { formatDuration, messageOf, systemClock } from '../src/core/index.js';
import { demoAsRoot } from './demo/as-root.js';
import { demoWithoutRoot } from './demo/without-root.js';

// `npm run demo`: the tool on a local AWS, from empty disks to proven archives.

const bucket = 'demo';
const command = join(import.meta.dirname, '../bin/snap-to-s3.cjs');
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const next = `
What to try next:
  snap-to-s3 sandbox start > sandbox.env &    a local AWS that stays; the same as here
  snap-to-s3 sandbox seed                     the same demo snapshots in it
  . ./sandbox.env                             the way to it, as the role of an instance
  snap-to-s3 migrate --all --bucket demo --json
  aws s3 cp s3://demo/KEY .                   any AWS client works on it
  snap-to-s3 migrate --help                   all options
(In this checkout snap-to-s3 is: node dist/bin/snap-to-s3.cjs)`;

/** Runs the real command with this terminal; throws when it ends otherwise than it should. */
async function snapToS3(
  environment: Readonly<Record<string, string>>,
  { argv, expected }: { argv: readonly string[]; expected: number },
): Promise<void> {
  say(`\n$ snap-to-s3 ${argv.join(' ')}`);
  const child = spawn(process.execPath, [command, ...argv], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  const status = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  if (status !== expected) throw new Error(`snap-to-s3 ${argv.join(' ')} ended with ${String(status)}.`);
}

async function demo(): Promise<void> {
  const startedMs = systemClock.now();
  const stateDirectory = await mkdtemp(join(tmpdir(), 'snap-to-s3-demo-'));
  const sandbox = await startSandbox({
    stateDirectory,
    port: 0,
    rolePolicies: [shippedPolicy({ bucket })],
    onNotice: say,
  });
  try {
    say(`The local AWS runs at ${sandbox.url}.`);
    // The clients of this process find it as every AWS client does, by the environment. They are the administrator's;
    // the command has the instance's role, with the policy that a user would attach.
    Object.assign(process.env, sandbox.environment);
    const [s3, ec2] = [new S3Client({ credentials: administrator }), new EC2Client({ credentials: administrator })];
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const tools = { s3, ec2, bucket, say };
    if (process.getuid?.() === 0) {
      await demoAsRoot({
        ...tools,
        snapToS3: (argv, expected = 0) => snapToS3(sandbox.environment, { argv, expected }),
      });
    } else {
      await demoWithoutRoot(tools);
    }
    say(`\nEverything was identical. The demo took ${formatDuration(systemClock.now() - startedMs)}.`);
    say(next);
    s3.destroy();
    ec2.destroy();
  } finally {
    await sandbox.close();
    await rm(stateDirectory, { recursive: true, force: true });
  }
}

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
demo().catch((error: unknown) => {
  process.stderr.write(`The demo failed: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
