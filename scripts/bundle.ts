import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rolldown, type OutputChunk } from 'rolldown';

// The command in few files, in dist/command: loading hundreds of modules one by one takes longer than most commands run. As
// CommonJS, which Node loads in two thirds of the time of ES modules.
// `node dist/scripts/bundle.js`, after tsc. The library (dist/src) stays as it is.

/** What is started by name: the two commands, and each thread and process that they start beside themselves. */
const started: Readonly<Record<string, string>> = {
  main: 'src/cli/main.ts',
  sandbox: 'sandbox/cli/main.ts',
  'frame-thread': 'src/codec/frame-thread.ts',
  'sum-thread': 'src/store/sum-thread.ts',
  'walk-thread': 'src/verify/walk-thread.ts',
  'content-thread': 'src/verify/content-thread.ts',
  'image-sum-thread': 'src/verify/image-sum-thread.ts',
  server: 'sandbox/ec2/lazy-loading/server.ts',
  worker: 'sandbox/s3/state/threads/worker.ts',
};

/** What has machine code of its own, and what is handed on as a file. */
const apart = [/^lz4-napi/, /^@toondepauw\/node-zstd/, /^@duckdb\//, /^chart\.js/];

/** Beside the folder in which this file is. */
const folder = join(import.meta.dirname, '../command');

/** Writes the bundle and beside it the licences of the packages that are in it. */
async function bundle(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const read = await rolldown({
    input: { ...started },
    platform: 'node',
    transform: { target: 'node20.19' },
    external: apart,
    // The ES modules of a package: of these, what nobody uses can be left out.
    resolve: { mainFields: ['module', 'main'] },
  });
  const { output } = await read.write({
    dir: folder,
    format: 'cjs',
    // What is loaded when it is needed, is so by require(), too.
    dynamicImportInCjs: false,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    sourcemap: true,
  });
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ type: 'commonjs' })}\n`);
  // It runs in the page, not here.
  const page = await rolldown({ input: 'src/cli/page/browser/page.ts', transform: { target: 'es2022' } });
  await page.write({ file: join(folder, 'browser/page.js'), format: 'esm' });
  const chunks = output.filter((one): one is OutputChunk => one.type === 'chunk');
  await writeFile(join(folder, 'LICENSES.txt'), await licences(chunks.flatMap((chunk) => chunk.moduleIds)));
}

/** Name, version and licence of each package of others that the modules are of. */
async function licences(modules: readonly string[]): Promise<string> {
  const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id)?.[0] ?? []);
  const texts = await Promise.all([...new Set(folders)].sort().map(licence));
  return `The command contains these packages.\n\n${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}`;
}

async function licence(packageFolder: string): Promise<string> {
  const about = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as Record<string, unknown>;
  const files = (await readdir(packageFolder)).filter((name) => /^(licen[cs]e|notice)/i.test(name)).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(packageFolder, name), 'utf8')));
  return [`${String(about.name)} ${String(about.version)} (${String(about.license)})`, ...texts].join('\n\n');
}

await bundle();
