import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import { administrator } from '../../../sandbox/iam/index.js';
import { noDelays, startSandbox, type Sandbox, type SandboxOptions } from '../../../sandbox/index.js';
import { Bucket } from '../s3/support.js';

/** A sandbox with a bucket, and clients that do not try again. */
export interface FaultySandbox extends Sandbox {
  readonly s3: S3Client;
  readonly ec2: EC2Client;
  readonly notices: readonly string[];
}

/** Starts one; it is closed after the test. */
export async function faultySandbox(options: Partial<SandboxOptions> = {}): Promise<FaultySandbox> {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'sandbox-faults-'));
  onTestFinished(() => rm(stateDirectory, { recursive: true, force: true }));
  const notices: string[] = [];
  const onNotice = (text: string): void => void notices.push(text);
  const sandbox = await startSandbox({ stateDirectory, port: 0, delays: noDelays, onNotice, ...options });
  const client = {
    endpoint: sandbox.url,
    region: 'us-east-1',
    credentials: administrator,
    maxAttempts: 1,
  };
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const ec2 = new EC2Client(client);
  await s3.send(new CreateBucketCommand({ Bucket }));
  onTestFinished(async () => {
    s3.destroy();
    ec2.destroy();
    await sandbox.close();
  });
  return { ...sandbox, s3, ec2, notices };
}

/** Everything that comes over a connection of its own until it ends, and how it ends. */
export interface Wire {
  readonly text: string;
  readonly ended: 'closed' | 'reset';
}

/** Sends bytes as they are, over a connection that the test may end. */
export function onTheWire(url: string, sent: string): Promise<Wire> & { readonly socket: Socket } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname, () => void socket.write(sent, 'latin1'));
  const wire = new Promise<Wire>((resolve, reject) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') resolve({ text, ended: 'reset' });
      else reject(error);
    });
    socket.on('close', () => resolve({ text, ended: 'closed' }));
  });
  return Object.assign(wire, { socket });
}

/** What a plain GET brings. */
export async function raw(
  url: string,
): Promise<{ readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Buffer }> {
  const answer = await fetch(url);
  const body = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body };
}
