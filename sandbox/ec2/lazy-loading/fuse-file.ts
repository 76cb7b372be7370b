import type { FileHandle } from 'node:fs/promises';
import {
  answerWith,
  attributesAnswer,
  initAnswer,
  largestRequestBytes,
  openAnswer,
  parseRequest,
  refusal,
  writtenAnswer,
  type FuseRequest,
} from './fuse-messages.js';
import type { LazyDisk } from './lazy-disk.js';

/** How a disk is served. */
export interface FuseFileOptions {
  /** `/dev/fuse`, opened, and mounted or about to be. */
  readonly channel: FileHandle;
  /** Told how many have the file open whenever that changes. */
  readonly onUsers: (users: number) => void;
}

/** Serves a disk as a file until it is unmounted. */
export async function serveAsFile(disk: LazyDisk, { channel, onUsers }: FuseFileOptions): Promise<void> {
  let users = 0;
  const answer = async (request: Exclude<FuseRequest, { kind: 'silent' }>): Promise<Buffer> => {
    const { id } = request;
    switch (request.kind) {
      case 'init':
        return initAnswer(id);
      case 'attributes':
        return attributesAnswer(id, disk.sizeBytes);
      case 'open':
        users += 1;
        onUsers(users);
        return openAnswer(id);
      case 'release':
        users -= 1;
        onUsers(users);
        return answerWith(id, 0).message;
      case 'read': {
        const { message, body } = answerWith(id, request.bytes);
        await disk.read(body, request.offset);
        return message;
      }
      case 'write':
        await disk.write(request.data, request.offset);
        return writtenAnswer(id, request.data.length);
      case 'sync':
        await disk.sync();
        return answerWith(id, 0).message;
      case 'unknown':
        return refusal(id, 'ENOSYS');
    }
  };
  const handle = async (request: FuseRequest): Promise<void> => {
    if (request.kind === 'silent') return;
    const message = await answer(request).catch(() => refusal(request.id, 'EIO'));
    // Whoever asked may have gone, or all may be unmounted.
    await channel.write(message, 0, message.length, null).catch(() => undefined);
  };

  const room = Buffer.alloc(largestRequestBytes);
  for (;;) {
    const bytes = await nextRequest(channel, room);
    if (bytes === undefined) return;
    void handle(parseRequest(bytes));
  }
}

/** `undefined` when the filesystem has been unmounted. */
async function nextRequest(channel: FileHandle, room: Buffer): Promise<Buffer | undefined> {
  for (;;) {
    try {
      const { bytesRead } = await channel.read(room, 0, room.length, null);
      return bytesRead === 0 ? undefined : room.subarray(0, bytesRead);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENODEV') return undefined;
      // The request was taken back before it could be read (fuse(4)).
      if (code !== 'ENOENT' && code !== 'EINTR' && code !== 'EAGAIN') throw error;
    }
  }
}
