import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';

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
  readonly text: string;
}

/** A client that does as little as possible, for it shares the machine with what it measures. */
export interface LightClient extends Disposable {
  /** Throws when the status is not 200. */
  send(light: LightRequest): Promise<LightAnswer>;
  /** Reads an answer into always the same memory and only counts it. Throws when the status is not 200 or 206. */
  count(path: string, headers?: Readonly<Record<string, string>>): Promise<number>;
}

/** Connects to a port of this machine, with kept connections. */
export function lightClient(port: number): LightClient {
  const agent = new Agent({ keepAlive: true });
  const send = (light: LightRequest): Promise<LightAnswer> =>
    new Promise((resolve, reject) => {
      const { method, path, body } = light;
      const headers = { ...light.headers, 'content-length': body?.length ?? 0 };
      const outgoing = request({ agent, port, host: '127.0.0.1', method, path, headers }, (answer) => {
        let text = '';
        const isOk = answer.statusCode === 200;
        answer.on('data', (chunk: Buffer) => {
          if (!isOk || light.keepsText === true) text += chunk.toString();
        });
        answer.once('error', reject);
        answer.once('end', () => {
          if (isOk) resolve({ headers: answer.headers, text });
          else reject(new Error(`${method} ${path}: ${String(answer.statusCode)} ${text}`));
        });
      });
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  const idle: CountingConnection[] = [];
  const count = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> => {
    const connection = idle.pop() ?? countingConnection(port);
    const bytes = await connection.count(path, headers);
    idle.push(connection);
    return bytes;
  };
  const dispose = (): void => {
    agent.destroy();
    for (const { socket } of idle) socket.destroy();
  };
  return { send, count, [Symbol.dispose]: dispose };
}

interface CountingConnection {
  readonly socket: Socket;
  count(path: string, headers: Readonly<Record<string, string>>): Promise<number>;
}

/** Node's own client allocates memory for every 64 KiB, which would cost more than what the server does. */
function countingConnection(port: number): CountingConnection {
  let take = (_bytes: Uint8Array): void => undefined;
  let fail = (_error: Error): void => undefined;
  const onread = {
    buffer: Buffer.alloc(1024 ** 2),
    callback: (length: number, buffer: Uint8Array): boolean => {
      take(buffer.subarray(0, length));
      return true;
    },
  };
  const socket = connect({ port, host: '127.0.0.1', onread });
  socket.on('error', (error) => fail(error)).on('close', () => fail(new Error('The server hung up.')));
  const count = (path: string, headers: Readonly<Record<string, string>>): Promise<number> =>
    new Promise((resolve, reject) => {
      let head = '';
      let left: number | undefined;
      let bytes = 0;
      fail = reject;
      take = (some) => {
        let body = some.length;
        if (left === undefined) {
          const text = Buffer.from(some).toString('latin1');
          const headEnd = (head + text).indexOf('\r\n\r\n');
          if (headEnd === -1) {
            head += text;
            return;
          }
          body = head.length + text.length - headEnd - 4;
          head = (head + text).slice(0, headEnd);
          left = Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
          if (!/^HTTP\/1.1 20[06] /.test(head)) reject(new Error(`GET ${path}: ${head}`));
        }
        bytes += body;
        left -= body;
        if (left === 0) resolve(bytes);
      };
      const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    });
  return { socket, count };
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
