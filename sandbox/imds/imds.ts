import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../src/core/index.js';
import { answer, type AnswerSources } from './answer.js';
import type { ImdsInstance, InstanceTag } from './metadata.js';
import { changedOptions, defaultMetadataOptions, type MetadataOptions } from './metadata-options.js';
import { refusal, sendReply } from './reply.js';
import type { RoleKeys } from './role-keys.js';
import { newTokens } from './tokens.js';

/** What the instance metadata service needs. */
export interface ImdsOptions {
  readonly instance: ImdsInstance;
  /** The instance's tags now. */
  readonly tags?: () => readonly InstanceTag[];
  readonly keys: RoleKeys;
  readonly clock: Clock;
  /** How it behaves at first, where that is not {@link defaultMetadataOptions}. */
  readonly metadataOptions?: Partial<MetadataOptions>;
  /** Told when the role's keys could not be had; the client got 500. */
  readonly onDefect?: (error: unknown) => void;
}

/** An instance metadata service that listens. */
export interface RunningImds {
  /** `http://127.0.0.1:4600`, for `AWS_EC2_METADATA_SERVICE_ENDPOINT`. */
  readonly url: string;
  /** May be repeated. */
  close(): Promise<void>;
}

/** Where a listener's clients are. */
export interface ListenerPlace {
  /**
   * How many network hops an answer takes to them: 1 (the default) on the instance itself, 2 in a container behind a
   * bridge. Where that is more than the hop limit, answers to PUT never arrive.
   */
  readonly hops?: number;
}

/** The instance metadata service. */
export interface Imds {
  /** Listens on the loopback address; port 0 takes any. May be called for several places. Rejects when the port is taken. */
  listen(port: number, place?: ListenerPlace): Promise<RunningImds>;
  /** How it behaves now. */
  readonly metadataOptions: MetadataOptions;
  /** Changes how it behaves from the next request on. Throws `usage` for a hop limit out of 1 to 64. */
  setOptions(changes: Partial<MetadataOptions>): void;
}

/** A client that never gets its answer, and does not go away itself, is cut off after this long. */
const silenceMs = 120_000;

/** Builds the service. SDKs ignore a path in the endpoint, so it has a listener of its own. Throws as `setOptions`. */
export function createImds(options: ImdsOptions): Imds {
  const { instance, keys, tags = () => [], onDefect = () => undefined } = options;
  const tokens = newTokens(options);
  let metadataOptions = changedOptions(defaultMetadataOptions, options.metadataOptions ?? {});
  const sources: AnswerSources = {
    instance,
    keys,
    tags,
    tokens,
    get options() {
      return metadataOptions;
    },
  };
  return {
    get metadataOptions() {
      return metadataOptions;
    },
    setOptions: (changes) => {
      metadataOptions = changedOptions(metadataOptions, changes);
    },
    listen: (port, { hops = 1 } = {}) =>
      startListener(port, (request, response) => {
        // The connection stands and the request has arrived, but the packets of the answer die on their way.
        if (request.method === 'PUT' && hops > metadataOptions.httpPutResponseHopLimit) return;
        answer(request, sources).then(
          (reply) => sendReply(response, reply),
          (error: unknown) => {
            onDefect(error);
            sendReply(response, refusal(500));
          },
        );
      }),
  };
}

async function startListener(
  port: number,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<RunningImds> {
  const server = createServer((request, response) => {
    request.resume();
    handle(request, response);
  });
  server.timeout = silenceMs;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  let closed: Promise<void> | undefined;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      (closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      })),
  };
}
