// A process of its own, so that volumes outlive a sandbox that was killed, as their loop devices do:
// `server.js <volume's file> <where to serve it> <LazyLoading as JSON>`. Says "ready" when the file can be opened, and ends when it
// is unmounted, or has been open and is no more.
import { closeSync, openSync, writeSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { messageOf, systemClock } from '../../../src/core/index.js';
import { run } from '../../../src/process/index.js';
import { coldMapOf, openColdBlocks } from './cold-blocks.js';
import { serveAsFile } from './fuse-file.js';
import { lazyDisk } from './lazy-disk.js';
import type { LazyLoading } from './lazy-files.js';

const [path = '', target = '', loadingText = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const channel = await open('/dev/fuse', 'r+');
  const file = await open(path, 'r+');
  const { size: sizeBytes } = await file.stat();
  const cold = await openColdBlocks(coldMapOf(path));
  const disk = lazyDisk({ file, sizeBytes, cold, loading: JSON.parse(loadingText) as LazyLoading, clock: systemClock });
  // fd=3: what `inherits` makes of the channel in the child.
  const options = 'fd=3,rootmode=100600,user_id=0,group_id=0,allow_other';
  const mount = ['mount', '-i', '-t', 'fuse', '-o', options, 'ebs-lazy-loading', target];
  await run(mount, { inherits: [channel.fd] });
  let unused = new AbortController();
  const onUsers = (users: number): void => {
    unused.abort();
    unused = new AbortController();
    if (users === 0) void unmountLater(unused.signal);
  };
  const served = serveAsFile(disk, { channel, onUsers });
  writeSync(1, 'ready');
  leaveTerminal();
  await served;
  unused.abort();
}

/** `losetup` opens the file anew when another one was faster to take a loop device. */
const unusedMs = 2_000;

/** For devices that were taken away by force while they were open: nobody else knows when they are not any more. */
async function unmountLater(signal: AbortSignal): Promise<void> {
  try {
    await systemClock.sleep(unusedMs, signal);
    await run(['umount', '--', target]);
    await rm(target, { force: true });
  } catch {
    // It was opened again, or somebody else has unmounted it.
  }
}

/** Whoever started this waits for the end of its output. */
function leaveTerminal(): void {
  for (const fd of [0, 1, 2]) {
    closeSync(fd);
    openSync('/dev/null', 'r+');
  }
}

main().catch((error: unknown) => {
  writeSync(2, messageOf(error));
  process.exitCode = 1;
});
