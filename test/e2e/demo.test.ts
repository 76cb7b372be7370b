import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// What `npm run demo` starts, with root and without.

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-demo-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the demo', () => {
  it('shows everything as root', async () => {
    const { stdout, stderr } = await execute(process.execPath, ['dist/scripts/demo.js'], {
      cwd: root,
      timeout: 280_000,
    });
    expect(stdout).toContain('Everything was identical.');
    expect(stdout.match(/ identical: /g)).toHaveLength(5);
    expect(stdout).toContain('It was caught');
    expect(stderr).toMatch(/CRC-32 .* The archive of snap-\w+ is not what it should be/s);
    expect(stdout).toMatch(/Both volumes have the same [\d,]+ entr(?:y|ies)/);
    expect(stdout).toMatch(/^\+ new file$[^]*^1 added, 1 removed, \d+ changed\.$/m);
    expect(stdout).toMatch(/^snapshot +name +objects +read +stored +ratio +time$/m);
  });

  it('says without root what it cannot show, and shows the rest', async () => {
    // The checkout may lie where nobody else may look.
    const copy = join(folder, 'checkout');
    await mkdir(copy);
    await execute(
      'bash',
      ['-c', `cp -r dist docs package.json '${copy}' && cp -r node_modules '${copy}' && chmod -R a+rX '${folder}'`],
      { cwd: root },
    );
    const argv = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, 'dist/scripts/demo.js'];
    const { stdout } = await execute('setpriv', argv, {
      cwd: copy,
      timeout: 120_000,
      env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, HOME: '/nonexistent' },
    });
    expect(stdout).toContain('cannot be shown');
    expect(stdout.match(/: identical: /g)).toHaveLength(2);
    expect(stdout).toContain('Everything was identical.');
  });
});
