import { Agent, request } from 'node:http';

/** One request; its body is the same memory each time, its checksums are known beforehand. */
export interface LightRequest {
  readonly method: 'PUT' | 'POST' | 'GET';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Buffer;
  /** Keeps the text of the answer instead of only counting it. */
  readonly keepsText?: boolean;
}

/** What came back. */
export interface LightAnswer {
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly bytes: number;
  readonly text: string;
}

/** A client that does as little as possible, for it shares the machine with what it measures. */
export interface LightClient extends Disposable {
  /** Throws when the status is not 2xx. */
  send(light: LightRequest): Promise<LightAnswer>;
}

/** Connects to a port of this machine, with kept connections. */
export function lightClient(port: number): LightClient {
  const agent = new Agent({ keepAlive: true });
  const send = (light: LightRequest): Promise<LightAnswer> =>
    new Promise((resolve, reject) => {
      const { method, path, body } = light;
      const headers = { ...light.headers, 'content-length': body?.length ?? 0 };
      const outgoing = request({ agent, port, host: '127.0.0.1', method, path, headers }, (answer) => {
        let bytes = 0;
        let text = '';
        const isOk = answer.statusCode === 200 || answer.statusCode === 206;
        answer.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (!isOk || light.keepsText === true) text += chunk.toString();
        });
        answer.once('error', reject);
        answer.once('end', () => {
          if (isOk) resolve({ headers: answer.headers, bytes, text });
          else reject(new Error(`${method} ${path}: ${String(answer.statusCode)} ${text}`));
        });
      });
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  return { send, [Symbol.dispose]: () => agent.destroy() };
}

/** Does `count` things, `atOnce` of them at a time; they are told their number, from 0. */
export async function together(
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
  one: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
