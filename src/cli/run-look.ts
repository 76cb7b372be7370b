import { once } from 'node:events';
import {
  decryptionOf,
  diffArchives,
  findEntries,
  inspectArchive,
  listArchives,
  listFolder,
  type IndexDependencies,
} from '../commands/index.js';
import { count, snapshotId, type SnapshotId } from '../core/index.js';
import { composeEc2, composeReading } from './compose.js';
import { exitStatus } from './exit-status.js';
import { readBucket, usage, type CommandName, type OptionValues } from './options/index.js';
import {
  differenceLine,
  differenceRecord,
  entryLine,
  entryRecord,
  inspectedLines,
  inspectedRecord,
  listedLine,
  listedRecord,
  listHeading,
} from './render/look.js';
import type { Output } from './render/index.js';
import { ndjsonLine } from './render/ndjson.js';
import { openReport } from './report.js';
import { processSignals } from './signals.js';
import { readTelling } from './telling.js';
import { readTag } from './validate-options.js';

/** The commands that look and change nothing. */
export type LookCommand = Extract<CommandName, 'list' | 'inspect' | 'ls' | 'find' | 'diff'>;

/** What a looking command works with. */
interface Looking {
  readonly values: OptionValues;
  readonly words: readonly string[];
  readonly dependencies: IndexDependencies;
  /** Shows a thing found, as soon as the reader takes it: as a record with `--json`, else as a line. */
  readonly show: (record: object, line: string) => Promise<void>;
  /** A line for people only. */
  readonly say: (line: string) => Promise<void>;
}

const looks: Readonly<Record<LookCommand, (looking: Looking) => Promise<void>>> = { list, inspect, ls, find, diff };

/** `snap-to-s3 list`, `inspect`, `ls`, `find`, `diff`. Returns the exit status. */
export async function runLook(
  command: LookCommand,
  { values, words }: Pick<Looking, 'values' | 'words'>,
  output: Output,
): Promise<number> {
  const bucket = readBucket(values);
  const telling = readTelling(values);
  using report = await openReport({ stdout: output.stderr, stderr: output.stderr }, { ...telling, json: false });
  using signals = processSignals((sentence) => report.say(sentence));
  using dependencies = composeReading({ bucket, events: (event) => report.event(event), signal: signals.signal });
  const write = async (text: string): Promise<void> => {
    signals.signal.throwIfAborted();
    if (output.stdout.destroyed || output.stdout.write(text)) return;
    await Promise.race([once(output.stdout, 'drain'), once(output.stdout, 'close')]);
  };
  await looks[command]({
    values,
    words,
    dependencies,
    show: (record, line) => write(telling.json ? ndjsonLine(record) : `${line}\n`),
    say: async (line) => {
      if (!telling.json) await write(`${line}\n`);
    },
  });
  return exitStatus.done;
}

async function list({ values, dependencies, show, say }: Looking): Promise<void> {
  using ec2 = await composeEc2(dependencies);
  const tag = readTag(values);
  let archives = 0;
  for await (const archive of listArchives({ ...dependencies, ec2: ec2.ec2, tag })) {
    if (archives === 0) await say(listHeading);
    archives += 1;
    await show(listedRecord(archive), listedLine(archive));
  }
  await say(archives === 0 ? 'There are no archives in this bucket.' : `${count(archives, 'archive')}.`);
}

async function inspect({ words, dependencies, show }: Looking): Promise<void> {
  const found = await inspectArchive(readSnapshot(words, 'inspect snap-0123456789abcdef0', 1), dependencies);
  await show(inspectedRecord(found), inspectedLines(found).join('\n'));
}

async function ls({ values, words, dependencies, show }: Looking): Promise<void> {
  const example = 'ls snap-0123456789abcdef0 etc/ssh';
  const request = {
    snapshotId: readSnapshot(words, example, 2),
    path: words[1] ?? '',
    recursive: values.isOn('recursive'),
  };
  for await (const entry of listFolder(request, looking(values, dependencies))) {
    await show(entryRecord(entry), entryLine(entry));
  }
}

async function find({ values, words, dependencies, show, say }: Looking): Promise<void> {
  const id = readSnapshot(words, "find snap-0123456789abcdef0 '*.conf'", 2);
  const pattern = words[1];
  if (pattern === undefined) {
    throw usage('What is to be found is not said.', `Give a name or a glob: snap-to-s3 find ${id} '*.conf'`);
  }
  const type = values.text('type') as keyof typeof typesOf | undefined;
  const types = type === undefined ? undefined : typesOf[type];
  let entries = 0;
  for await (const entry of findEntries({ snapshotId: id, pattern, types }, looking(values, dependencies))) {
    entries += 1;
    await show(entryRecord(entry), entryLine(entry));
  }
  if (entries === 0) await say(`Nothing in the archive of ${id} is named ${JSON.stringify(pattern)}.`);
}

const typesOf = {
  f: ['file', 'hardlink'],
  d: ['directory'],
  l: ['symlink'],
} as const;

async function diff({ values, words, dependencies, show, say }: Looking): Promise<void> {
  const example = 'diff snap-0123456789abcdef0 snap-0fedcba9876543210';
  const before = readSnapshot(words, example, 2);
  if (words.length < 2) throw usage('Two archives are needed.', `For example: snap-to-s3 ${example}`);
  const counts = { added: 0, removed: 0, changed: 0 };
  for await (const difference of diffArchives(before, snapshotId(words[1] ?? ''), looking(values, dependencies))) {
    counts[difference.kind] += 1;
    await show(differenceRecord(difference), differenceLine(difference));
  }
  const { added, removed, changed } = counts;
  await say(
    added + removed + changed === 0
      ? 'Both archives have the same files.'
      : [
          `${added.toLocaleString('en-US')} added`,
          `${removed.toLocaleString('en-US')} removed`,
          `${changed.toLocaleString('en-US')} changed.`,
        ].join(', '),
  );
}

function looking(values: OptionValues, dependencies: IndexDependencies) {
  const sessionKeys = values.list('gpg-session-key');
  return { ...dependencies, decryption: decryptionOf({ sessionKeys }, dependencies) };
}

function readSnapshot(words: readonly string[], example: string, most: number): SnapshotId {
  const [id] = words;
  if (id === undefined) throw usage('No archive is named.', `For example: snap-to-s3 ${example}`);
  if (words.length > most) {
    throw usage(
      `${words
        .slice(most)
        .map((word) => JSON.stringify(word))
        .join(', ')}: that is one word too many.`,
      `For example: snap-to-s3 ${example}`,
    );
  }
  return snapshotId(id);
}
