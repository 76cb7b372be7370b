// A process of its own, so that volumes outlive a sandbox that was killed, as their loop devices do:
// `server.js <volume's file> <where to serve it> <bytes per second>`. Says "ready" when the file can be opened, and ends when it
// is not open any more.
import { closeSync, openSync, writeSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { messageOf, systemClock } from '../../../src/core/index.js';
import { run } from '../../../src/process/index.js';
import { coldMapOf, openColdBlocks } from './cold-blocks.js';
import { serveAsFile } from './fuse-file.js';
import { lazyDisk } from './lazy-disk.js';

const [path = '', target = '', rate = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const channel = await open('/dev/fuse', 'r+');
  const file = await open(path, 'r+');
  const { size: sizeBytes } = await file.stat();
  const cold = await openColdBlocks(coldMapOf(path));
  const disk = lazyDisk({ file, sizeBytes, cold, bytesPerSecond: Number(rate), clock: systemClock });
  // fd=3: what `inherits` makes of the channel in the child.
  const options = 'fd=3,rootmode=100600,user_id=0,group_id=0,allow_other';
  const mount = ['mount', '-i', '-t', 'fuse', '-o', options, 'ebs-lazy-loading', target];
  await run(mount, { inherits: [channel.fd] });
  const served = serveAsFile(disk, { channel, onUnused: () => void unmount() });
  writeSync(1, 'ready');
  leaveTerminal();
  await served;
}

/** When the place is gone, so is this view: whoever ends it waits for that. */
async function unmount(): Promise<void> {
  // Somebody else may have done it.
  await run(['umount', '--lazy', '--', target]).catch(() => undefined);
  await rm(target, { force: true });
}

/** Whoever started this waits for the end of its output. */
function leaveTerminal(): void {
  for (const fd of [0, 1, 2]) {
    closeSync(fd);
    openSync('/dev/null', 'r+');
  }
}

try {
  await main();
} catch (error) {
  writeSync(2, messageOf(error));
  process.exitCode = 1;
}
