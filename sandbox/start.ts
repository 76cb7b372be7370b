import { join } from 'node:path';
import { AppError, messageOf, systemClock, type Clock } from '../src/core/index.js';
import { createEbsService, type EbsDelays, type EbsPaging, type EbsQuotas } from './ebs/index.js';
import { createEc2Service, type Ec2Delays } from './ec2/index.js';
import { createImds, roleCredentials, roleName } from './imds/index.js';
import { createS3Service } from './s3/index.js';
import { listen } from './server/server.js';
import { lockState } from './state-lock.js';
import { createStsService } from './sts/index.js';

/** How a sandbox is started. */
export interface SandboxOptions {
  /** Where everything is kept; it is made if need be. One sandbox at a time may have it. */
  readonly stateDirectory: string;
  /** The port of all services; the metadata service gets the next one. 0: both take any free port. */
  readonly port: number;
  readonly clock?: Clock;
  /** How long things of EC2 take. */
  readonly delays?: Partial<Ec2Delays>;
  /** What EBS direct allows, how long its things take, and how it cuts its pages. */
  readonly ebs?: {
    readonly quotas?: Partial<EbsQuotas>;
    readonly delays?: Partial<EbsDelays>;
    readonly paging?: Partial<EbsPaging>;
  };
  /** Told what an operator should know, as a sentence. */
  readonly onNotice?: (text: string) => void;
}

/** A local AWS that runs. */
export interface Sandbox {
  /** Endpoint of all services. */
  readonly url: string;
  /** Endpoint of the instance metadata service. */
  readonly imdsUrl: string;
  /** The variables with which any AWS SDK finds the sandbox. Credentials come from the instance role, as on EC2. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends everything: devices are taken away, the state stays. May be repeated. */
  close(): Promise<void>;
}

const host = '127.0.0.1';

/**
 * Starts the local AWS on this machine's loopback address. Volumes that were attached when it ended are attached again
 * when it resolves. Throws `usage` when another sandbox has the state directory or the port is taken.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { stateDirectory, port, clock = systemClock, onNotice = () => undefined } = options;
  const closers: (() => Promise<void>)[] = [];
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= closeAll(closers));
  try {
    const lock = await lockState(stateDirectory);
    closers.unshift(async () => {
      await lock[Symbol.asyncDispose]();
    });
    const ec2 = await createEc2Service({
      directory: join(stateDirectory, 'ec2'),
      clock,
      onNotice,
      ...(options.delays === undefined ? {} : { delays: options.delays }),
    });
    closers.unshift(() => ec2.close());
    const ebs = await createEbsService({
      directory: join(stateDirectory, 'ebs'),
      snapshots: ec2.snapshots,
      clock,
      onNotice,
      ...options.ebs,
    });
    closers.unshift(() => ebs.close());
    const credentials = await roleCredentials(join(stateDirectory, 'imds'));
    const { instance } = ec2;
    const s3 = await createS3Service({ directory: join(stateDirectory, 's3'), clock });
    closers.unshift(() => s3.close());
    const sts = createStsService({ accountId: instance.accountId, roleName, instanceId: instance.id });
    const server = await listening(port, () =>
      listen([ec2, ebs, s3, sts], {
        host,
        port,
        defaultRegion: instance.region,
        onDefect: (error) => onNotice(`The sandbox has a defect: ${messageOf(error)}`),
      }),
    );
    closers.unshift(() => server.close());
    const imdsPort = port === 0 ? 0 : port + 1;
    const imds = await listening(imdsPort, () => createImds({ instance, credentials, clock }).listen(imdsPort));
    closers.unshift(() => imds.close());
    await lock.publish({ url: server.url, imdsUrl: imds.url });
    return {
      url: server.url,
      imdsUrl: imds.url,
      environment: sandboxEnvironment({ url: server.url, imdsUrl: imds.url, region: instance.region }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a client's environment must say to find a sandbox. */
export function sandboxEnvironment(endpoints: {
  readonly url: string;
  readonly imdsUrl: string;
  readonly region: string;
}): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoints.url,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoints.imdsUrl,
    AWS_REGION: endpoints.region,
    AWS_DEFAULT_REGION: endpoints.region,
  };
}

/** All of them, in this order, whichever fail. */
async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) await close().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, 'The sandbox could not be closed cleanly');
}

async function listening<T>(port: number, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new AppError('usage', `Port ${port} of ${host} is taken.`, {
      cause,
      hint: 'Give another one with --port; the metadata service takes the one after it.',
    });
  }
}
