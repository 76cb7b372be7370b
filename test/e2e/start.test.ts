import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// What a command loads before it does anything is what its user waits for.

const bundle = join(import.meta.dirname, '../../dist/command');
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snap-to-s3-e2e-start-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The packages of others that a command has loaded. */
async function packagesOf(argv: readonly string[], status = 0): Promise<readonly string[]> {
  const told = join(folder, 'modules');
  const ended = await promisify(execFile)(
    process.execPath,
    ['--import', './test/support/tell-modules.mjs', 'dist/bin/snap-to-s3.cjs', ...argv],
    { env: { PATH: process.env.PATH, HOME: folder, SNAP_TO_S3_TELL_MODULES: told } },
  ).catch((error: unknown) => error as { readonly code: number });
  expect('code' in ended ? ended.code : 0).toBe(status);
  const urls = (await readFile(told, 'utf8')).split('\n').filter((url) => url.startsWith('file:'));
  await rm(told);
  const modules = (await Promise.all(urls.map((url) => modulesIn(fileURLToPath(url))))).flat();
  expect(modules.some((path) => path.endsWith('/src/cli/main.ts'))).toBe(true);
  const names = modules.flatMap((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].sort();
}

async function sources(): Promise<readonly string[]> {
  const found = ['src', 'sandbox'].map(async (room) =>
    (await readdir(room, { recursive: true })).filter((path) => path.endsWith('.ts')).map((path) => join(room, path)),
  );
  return (await Promise.all(found)).flat();
}

/** A file of the bundle holds many modules, of which its map tells. */
async function modulesIn(path: string): Promise<readonly string[]> {
  if (dirname(path) !== bundle) return [path];
  // The bundler's own few lines.
  if (basename(path).startsWith('rolldown-runtime-')) return [];
  const { sources } = JSON.parse(await readFile(`${path}.map`, 'utf8')) as { readonly sources: readonly string[] };
  return sources.map((source) => join(bundle, source));
}

describe('a command loads nothing but what it needs', () => {
  it.each([
    [['--version']],
    [['--help']],
    [['analyze', '--help']],
    [['completion', 'bash']],
    [['estimate']],
    [['estimate', '--memory-table', '--json']],
  ])('%j', async (argv) => {
    expect(await packagesOf(argv)).toEqual(['commander']);
  });
});

it('analyze --offline reads a report without any SDK', async () => {
  const report = join(folder, 'report.csv');
  await writeFile(report, 'no,report\n1,2\n');
  const packages = await packagesOf(['analyze', report, '--offline'], 2);
  expect(packages).toContain('@duckdb/node-api');
  expect(packages.filter((name) => /^@(aws-sdk|smithy)\//.test(name))).toEqual([]);
});

it('the bundle has each thread and process that is started by the name of its file', async () => {
  const files = await sources();
  const texts = await Promise.all(files.map((path) => readFile(path, 'utf8')));
  const named = texts.flatMap((text) => [...text.matchAll(/new URL\('\.\/(.*?)', import\.meta\.url\)/g)]);
  const names = named.map(([, name = '']) => name).sort();
  expect(names).toContain('frame-thread.js');
  expect((await readdir(bundle)).filter((name) => names.includes(name)).sort()).toEqual(names);
});
