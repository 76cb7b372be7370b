import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { AppError } from '../core/index.js';
import { callS3, s3Url, type ObjectStore } from './object-store.js';

/** A command whose answer's date can be seen; the clients' own commands all are. */
interface Watchable {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<{ response: unknown }>,
      ) => (args: never) => Promise<{ response: unknown }>,
      options: { readonly step: 'deserialize'; readonly name: string },
    ): void;
  };
}

/** Sends a command and tells, besides its result, what time it was for S3 (to the second; NaN if it does not say). */
export async function withServerTime<Output>(
  command: object,
  send: () => Promise<Output>,
): Promise<{ readonly output: Output; readonly serverTimeMs: number }> {
  let date: string | undefined;
  (command as Watchable).middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      date = (result.response as { headers?: Record<string, string> }).headers?.date;
      return result;
    },
    { step: 'deserialize', name: 'server-time' },
  );
  const output = await send();
  return { output, serverTimeMs: Date.parse(date ?? '') };
}

/** How long ago an object was written, by S3's clock, with an error of up to a second; undefined where there is none. */
export async function objectAgeMs(store: ObjectStore, key: string, signal?: AbortSignal): Promise<number | undefined> {
  try {
    return await callS3(
      store,
      { action: 's3:GetObject', resource: s3Url(store, key) },
      async (options) => {
        const command = new HeadObjectCommand({ Bucket: store.bucket, Key: key });
        const { output, serverTimeMs } = await withServerTime(command, () => store.client.send(command, options));
        return serverTimeMs - (output.LastModified?.getTime() ?? Number.NaN);
      },
      signal,
    );
  } catch (error) {
    if (error instanceof AppError && error.code === 'not-found') return undefined;
    throw error;
  }
}
