import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loopDevices } from '../../../sandbox/ec2/devices/index.js';
import { systemClock } from '../../../src/core/index.js';
import { runText } from '../../../src/process/index.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-devices-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const loopsOf = async (file: string): Promise<string[]> =>
  (await runText(['losetup', '--list', '--noheadings', '--output', 'BACK-FILE']))
    .split('\n')
    .filter((line) => line.includes(file));

describe('a volume', () => {
  it('that is detached while its device is still being made -> has none when both are done', async () => {
    const devices = loopDevices({ clock: systemClock });
    const volume = { volumeId: 'vol-0123456789abcdef0', file: join(folder, 'volume.img') };
    for (let round = 0; round < 10; round += 1) {
      await writeFile(volume.file, '');
      await truncate(volume.file, 1024 * 1024);
      const attaching = devices.attach(volume);
      const releasing = devices.release(volume);
      const [attached, released] = await Promise.all([attaching, releasing]);
      await rm(volume.file);
      expect([attached.replace(/\d+/, 'N'), released]).toEqual(['/dev/loopN', 'released']);
      expect(await loopsOf(volume.file)).toEqual([]);
    }
  });
});
