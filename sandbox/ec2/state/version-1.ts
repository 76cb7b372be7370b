import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { instance, snapshot, volume, type StateChange } from './model.js';

/** state.json of the first version: everything in one document. Its snapshots knew no owner, sharing and tier. */
const stateFile = z.object({
  version: z.literal(1),
  lastSequence: z.number(),
  instance,
  regions: z.record(z.string(), z.object({ volumes: z.array(volume), snapshots: z.array(z.looseObject({})) })),
});

/** What a state.json of the first version says; undefined where there is no such file. Throws for any other content. */
export async function readVersion1(path: string): Promise<readonly StateChange[] | undefined> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const file = stateFile.parse(JSON.parse(text));
  const added = {
    owner: { accountId: file.instance.accountId, alias: null },
    origin: 'volume',
    sharing: { everyone: false, accountIds: [] },
    tier: { kind: 'standard' },
  };
  return [
    { kind: 'format', version: 2, lastSequence: file.lastSequence },
    { kind: 'instance', instance: file.instance },
    ...Object.entries(file.regions).flatMap(([region, { volumes, snapshots }]): StateChange[] => [
      ...volumes.map((one) => ({ kind: 'volume' as const, region, volume: one })),
      ...snapshots.map((one) => ({
        kind: 'snapshot' as const,
        region,
        snapshot: snapshot.parse({ ...added, ...one }),
      })),
    ]),
  ];
}
