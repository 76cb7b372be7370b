import { join } from 'node:path';
import { AppError, messageOf, systemClock, type Clock } from '../src/core/index.js';
import { createEbsService, type EbsDelays, type EbsPaging, type EbsQuotas } from './ebs/index.js';
import { createEc2Service, type Ec2Delays, type LazyLoading } from './ec2/index.js';
import { zonesOf } from './ec2/places.js';
import { newFaultInjection, type Faults } from './faults/index.js';
import { administrator, openIdentities, parsePolicy, rotatingKeys } from './iam/index.js';
import { createImds, roleName, type MetadataOptions } from './imds/index.js';
import { createPricingService } from './pricing/index.js';
import { createS3Service } from './s3/index.js';
import { listen } from './server/server.js';
import { authentication } from './sigv4/index.js';
import { lockState } from './state-lock.js';
import { createStsService, type IdentityProvider } from './sts/index.js';

/** How a sandbox is started. */
export interface SandboxOptions {
  /** Where everything is kept; it is made if need be. One sandbox at a time may have it. */
  readonly stateDirectory: string;
  /** The port of all services; the metadata service gets the next one. 0: both take any free port. */
  readonly port: number;
  readonly clock?: Clock;
  /** What the role of the instance may do: policy documents, as JSON. Default: nothing. */
  readonly rolePolicies?: readonly string[];
  /** How long the role's keys are good for, and how long before their end there are new ones. Default: as on EC2. */
  readonly roleKeys?: { readonly lifetimeMs: number; readonly renewBeforeMs: number };
  /** The OpenID Connect providers whose tokens AssumeRoleWithWebIdentity takes. Default: none. */
  readonly identityProviders?: readonly IdentityProvider[];
  /** How the metadata service behaves at first, where not as on Amazon Linux 2023: version 1 is refused, two hops. */
  readonly metadataOptions?: Partial<MetadataOptions>;
  /** How long things of EC2 take. */
  readonly delays?: Partial<Ec2Delays>;
  /** How many times faster than on AWS archived objects come back: 3600 makes an hour a second. Default 1. */
  readonly archiveSpeed?: number;
  /** Volumes of snapshots give each block slowly until it has been read once, as on EC2. Default: they do not. */
  readonly lazyLoading?: LazyLoading;
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
  /** The region of the instance. */
  readonly region: string;
  /** The variables with which any AWS SDK finds the sandbox. Credentials come from the instance role, as on EC2. */
  readonly environment: Readonly<Record<string, string>>;
  /** The same with the key of the administrator, who may do everything. */
  readonly administratorEnvironment: Readonly<Record<string, string>>;
  /** Replaces what the role of the instance may do, from the next request on. Throws for what is no policy. */
  setRolePolicies(documents: readonly string[]): void;
  /** Changes how the metadata service behaves, from the next request on. Throws `usage` for a hop limit out of 1 to 64. */
  setMetadataOptions(changes: Partial<MetadataOptions>): void;
  /** Faults on demand, in all services but the metadata service. */
  readonly faults: Faults;
  /** Ends everything: devices are taken away, the state stays. May be repeated. */
  close(): Promise<void>;
}

const host = '127.0.0.1';
/** EC2's role keys are good for about six hours, and replaced well before (EC2 user guide, "IAM roles for Amazon EC2"). */
const defaultRoleKeys = { lifetimeMs: 6 * 3_600_000, renewBeforeMs: 3_600_000 };

/**
 * Starts the local AWS on this machine's loopback address. Volumes that were attached when it ended are attached again
 * when it resolves. Throws `usage` when another sandbox has the state directory or the port is taken.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { stateDirectory, port, clock = systemClock, onNotice = () => undefined } = options;
  const closers: (() => Promise<void>)[] = [];
  const onDefect = (error: unknown): void => onNotice(`The sandbox has a defect: ${messageOf(error)}`);
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
      lazyLoading: options.lazyLoading,
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
    const { instance } = ec2;
    const directory = join(stateDirectory, 'iam');
    const identities = openIdentities({ directory, accountId: instance.accountId, clock });
    const role = identities.addRole({ name: roleName, policies: (options.rolePolicies ?? []).map(parsePolicy) });
    const s3 = await createS3Service({
      directory: join(stateDirectory, 's3'),
      clock,
      ...(options.archiveSpeed === undefined ? {} : { archiveSpeed: options.archiveSpeed }),
    });
    closers.unshift(() => s3.close());
    const services = [
      ec2,
      ebs,
      s3,
      createStsService({ identities, identityProviders: options.identityProviders ?? [], clock }),
      createPricingService({ clock }),
    ];
    const injection = newFaultInjection(services, { clock });
    const server = await listening(port, () =>
      listen(services, {
        host,
        port,
        clock,
        defaultRegion: instance.region,
        accountId: instance.accountId,
        onDefect,
        stages: [authentication({ find: (id) => identities.find(id), clock }), injection.stage],
      }),
    );
    closers.unshift(() => server.close());
    closers.unshift(() => {
      injection.close();
      return Promise.resolve();
    });
    const imdsPort = port === 0 ? 0 : port + 1;
    const imdsService = createImds({
      instance: { ...instance, zoneId: zoneIdOf(instance) },
      tags: () => ec2.instance.tags,
      keys: rotatingKeys({ role, sessionName: instance.id, clock, ...(options.roleKeys ?? defaultRoleKeys) }),
      clock,
      onDefect,
      ...(options.metadataOptions === undefined ? {} : { metadataOptions: options.metadataOptions }),
    });
    const imds = await listening(imdsPort, () => imdsService.listen(imdsPort));
    closers.unshift(() => imds.close());
    await lock.publish({ url: server.url, imdsUrl: imds.url });
    const environment = sandboxEnvironment({ url: server.url, imdsUrl: imds.url, region: instance.region });
    return {
      url: server.url,
      imdsUrl: imds.url,
      region: instance.region,
      environment,
      setRolePolicies: (documents) => role.setPolicies(documents.map(parsePolicy)),
      administratorEnvironment: { ...environment, ...administratorVariables },
      setMetadataOptions: (changes) => imdsService.setOptions(changes),
      faults: injection.faults,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The key of the administrator, as SDKs read it from the environment. */
export const administratorVariables: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: administrator.accessKeyId,
  AWS_SECRET_ACCESS_KEY: administrator.secretAccessKey,
};

/** What a client's environment must say to find a sandbox. */
export function sandboxEnvironment(endpoints: {
  readonly url: string;
  readonly imdsUrl: string;
  readonly region: string;
}): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpoints.url,
    // Older botocore, that of Debian 12 for one, puts no slash between this and the path.
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `${endpoints.imdsUrl}/`,
    AWS_REGION: endpoints.region,
    AWS_DEFAULT_REGION: endpoints.region,
  };
}

function zoneIdOf({ region, zone }: { readonly region: string; readonly zone: string }): string {
  return zonesOf(region).find(({ name }) => name === zone)?.id ?? zone;
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
