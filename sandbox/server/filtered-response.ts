import { ServerResponse, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';

/** Sends bytes on their way; resolves when there is room for more. */
export type Send = (piece: Buffer) => Promise<void>;

/** What becomes of the body of an answer on its way out. */
export interface BodyFilter {
  /** Sends what is to be sent of a piece, now or later. */
  pass(piece: Buffer, send: Send): Promise<void>;
  /** The body is complete, and so far the answer has not ended. */
  end(): Promise<void>;
}

type Callback = (error?: Error | null) => void;
type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/**
 * The answer to a request, whose body can be led through filters. Services write to it as to any other: at most the piece
 * that a filter works on is in memory, because `write` asks its caller to wait.
 */
export class FilteredResponse extends ServerResponse {
  readonly #filters: BodyFilter[] = [];
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isEnding = false;
  #drained: () => void = () => undefined;
  #promisedBytes: number | undefined;

  /** The last filter added is the last one that the body passes. To be called before anything is written. */
  addFilter(filter: BodyFilter): void {
    this.#filters.push(filter);
  }

  /** The length of the body as the head of the answer tells it; undefined where it does not. */
  get promisedBytes(): number | undefined {
    const header = this.getHeader('content-length');
    return header === undefined ? this.#promisedBytes : Number(header);
  }

  /** Ends the connection when all that was sent has left. */
  cut(): void {
    if (!this.destroyed) this.flushHeaders();
    this.socket?.destroySoon();
  }

  /** Resets the connection (TCP RST); what was not yet sent never is. */
  reset(): void {
    this.socket?.resetAndDestroy();
  }

  override writeHead(status: number, reasonOrHeaders?: string | Headers, headers?: Headers): this {
    if (typeof reasonOrHeaders === 'string') {
      this.#promisedBytes = contentLength(headers);
      return super.writeHead(status, reasonOrHeaders, headers);
    }
    this.#promisedBytes = contentLength(reasonOrHeaders);
    return super.writeHead(status, reasonOrHeaders);
  }

  override write(chunk: string | Uint8Array, encodingOrDone?: BufferEncoding | Callback, done?: Callback): boolean {
    const encoding = typeof encodingOrDone === 'string' ? encodingOrDone : 'utf8';
    const whenDone = typeof encodingOrDone === 'function' ? encodingOrDone : done;
    if (this.#filters.length === 0) return super.write(chunk, encoding, whenDone);
    // The caller uses its memory again as soon as it may write on; filters and the socket may still hold pieces of it.
    const piece = Buffer.from(bytesOf(chunk, encoding));
    this.#enqueue(async () => {
      await this.#pass(piece, 0);
      whenDone?.();
    });
    return false;
  }

  override end(
    chunkOrDone?: string | Uint8Array | (() => void),
    encodingOrDone?: BufferEncoding | (() => void),
    done?: () => void,
  ): this {
    const chunk = typeof chunkOrDone === 'function' ? undefined : chunkOrDone;
    const encoding = typeof encodingOrDone === 'string' ? encodingOrDone : 'utf8';
    const whenDone = [chunkOrDone, encodingOrDone, done].find((one) => typeof one === 'function');
    if (this.#filters.length === 0) return super.end(chunk, encoding, whenDone);
    const body = chunk === undefined ? undefined : bytesOf(chunk, encoding);
    // What Node does with a body that comes in one piece.
    if (!this.headersSent && !this.hasHeader('content-length')) this.setHeader('content-length', body?.length ?? 0);
    this.#isEnding = true;
    if (body !== undefined) this.#enqueue(() => this.#pass(body, 0));
    this.#enqueue(async () => {
      for (const filter of this.#filters) await filter.end();
      if (!this.destroyed) super.end(whenDone);
    });
    return this;
  }

  /** Whoever writes is to go on when the filters have room, which is not when the connection has. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event === 'close') this.#drained();
    if (event !== 'drain' || this.#filters.length === 0) return super.emit(event, ...values);
    this.#drained();
    return true;
  }

  #enqueue(work: () => Promise<void>): void {
    this.#waiting += 1;
    this.#work = this.#work
      .then(work)
      .catch((error: unknown) => void this.destroy(error instanceof Error ? error : undefined))
      .then(() => {
        this.#waiting -= 1;
        // Who has said that it was all waits for the end, and would take this for it.
        if (this.#waiting === 0 && !this.#isEnding) super.emit('drain');
      });
  }

  async #pass(piece: Buffer, from: number): Promise<void> {
    const filter = this.#filters[from];
    if (this.destroyed || piece.length === 0) return;
    if (filter !== undefined) await filter.pass(piece, (passed) => this.#pass(passed, from + 1));
    else if (!super.write(piece)) await this.#room();
  }

  async #room(): Promise<void> {
    if (this.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
  }
}

function bytesOf(chunk: string | Uint8Array, encoding: BufferEncoding): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding);
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function contentLength(headers: Headers | undefined): number | undefined {
  if (headers === undefined || Array.isArray(headers)) return undefined;
  const found = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-length')?.[1];
  return found === undefined ? undefined : Number(found);
}
