// The process of a contender: `server.js sandbox|peer <state directory> <compiled tree>`. Tells its port, and ends when
// the parent disconnects.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../src/core/index.js';
import { startPeer } from './peer.js';
import type * as s3Module from '../../sandbox/s3/index.js';
import type * as serverModule from '../../sandbox/server/server.js';

const [kind = '', directory = '', tree = ''] = process.argv.slice(2);

async function startSandbox(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const load = async (path: string): Promise<unknown> => import(pathToFileURL(join(tree, path)).href);
  const { createS3Service } = (await load('sandbox/s3/index.js')) as typeof s3Module;
  const { listen } = (await load('sandbox/server/server.js')) as typeof serverModule;
  const s3 = await createS3Service({ directory, clock: systemClock });
  return listen([s3], { host: '127.0.0.1', port: 0, defaultRegion: 'us-east-1', onDefect: console.error });
}

const server = await (kind === 'peer' ? startPeer(directory) : startSandbox());
process.send?.(server.port);
process.once('disconnect', () => void server.close());
