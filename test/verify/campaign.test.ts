import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FoundObject } from '../../src/commands/index.js';
import { run, runText } from '../../src/process/index.js';
import { campaignStand, changeByte, type Made, type Stand, type Way } from './campaign-stand.js';

// Damage at random places, of every kind, on either side: all of it must be found, and nothing where there is none.
// `npm run test:soak` does more of it; a seed that failed can be done again with SNAP_TO_S3_TEST_SEED.

const trials = Number(process.env.SNAP_TO_S3_TEST_DAMAGES ?? 24);
const cleanRuns = Math.ceil(trials / 4);
const seed = Number(process.env.SNAP_TO_S3_TEST_SEED ?? 1);

let stand: Stand;
beforeAll(async () => {
  stand = await campaignStand();
});
afterAll(() => stand[Symbol.asyncDispose]());

/** The same numbers for the same seed, from 0 up to, not including, `below` (mulberry32). */
function createRandom(start: number) {
  let state = start;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
type Random = ReturnType<typeof createRandom>;
const pick = <T>(random: Random, all: readonly T[]): T => all[random(all.length)] as T;

function randomWay(random: Random): Way {
  return {
    filesystem: pick(random, ['ext4', 'xfs', 'btrfs']),
    content: pick(random, ['tar', 'tar', 'image']),
    codec: pick(random, ['lz4', 'zstd']),
    encrypted: random(3) === 0,
  };
}

/** What was changed, and how it is validated. */
interface Damaged {
  readonly object: FoundObject;
  /** Undefined: against the index. */
  readonly image: string | undefined;
  /** The path that must be named. */
  readonly path?: string | undefined;
  readonly what: string;
}

/** The smallest part that S3 takes. */
const partBytes = 5 * 1024 * 1024;

const objectDamages = {
  flip: (bytes: Buffer, random: Random) => {
    const changed = Buffer.from(bytes);
    const at = random(bytes.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
    return changed;
  },
  cut: (bytes: Buffer, random: Random) => bytes.subarray(0, random(bytes.length)),
  'drop a whole part': (bytes: Buffer, random: Random) => {
    const from = random(Math.floor(bytes.length / partBytes)) * partBytes;
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + partBytes)]);
  },
  'drop a piece': (bytes: Buffer, random: Random) => {
    const [from, length] = [random(bytes.length), 1 + random(64 * 1024)];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
  },
} as const;

/** Damages an object in the store; sometimes so early that the manifest has the sums of what was damaged. */
async function damagedObject(made: Made, random: Random): Promise<Damaged> {
  const { object, image } = made;
  const key = object.stored.key;
  const ofIndex = random(4) === 0;
  const kind = pick(random, ['flip', 'cut', 'drop a piece', 'drop a whole part', 'swap'] as const);
  const target = ofIndex ? (object.index?.key ?? '') : key;
  let body: Buffer;
  if (kind === 'swap') {
    const others = ['ext4', 'xfs', 'btrfs'].filter((one) => one !== made.way.filesystem) as Way['filesystem'][];
    const other = await stand.archive({ ...made.way, filesystem: pick(random, others) });
    body = await stand.get(ofIndex ? (other.object.index?.key ?? '') : other.object.stored.key);
  } else body = objectDamages[kind](await stand.get(target), random);
  const isAgreed = !ofIndex && random(2) === 0;
  const copy = { key: `${key} damaged`, indexKey: `${key} damaged index` };
  await stand.put(copy.key, ofIndex ? await stand.get(key) : body);
  await stand.put(copy.indexKey, ofIndex ? body : await stand.get(object.index?.key ?? ''));
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(body));
  const agreed = {
    storedBytes: body.length,
    sha256: createHash('sha256').update(body).digest('hex'),
    crc32: crc.toString('base64'),
  };
  return {
    object: {
      ...object,
      stored: { ...object.stored, key: copy.key },
      expected: isAgreed && object.expected !== undefined ? { ...object.expected, ...agreed } : object.expected,
      index: object.index === undefined ? undefined : { ...object.index, key: copy.indexKey },
    },
    image: random(2) === 0 ? image : undefined,
    what: `${kind} of the ${ofIndex ? 'index' : 'object'}${isAgreed ? ', before the manifest' : ''}`,
  };
}

/** How one thing of a path is changed, and nothing else of it. */
interface FileDamage {
  /** What `find` looks for. */
  readonly of: readonly string[];
  /** A command; the path is `$f`. */
  readonly script: string;
  /** The name that must be told; that of the path if not given, undefined for any. */
  readonly told?: (path: string) => string | undefined;
}

const files = ['-type', 'f', '-size', '+0', '-links', '1'];
const folders = ['-mindepth', '1', '-type', 'd'];
const keepTimeOf = (path: string, script: string): string =>
  `time=$(stat -c %y ${path}); ${script}; touch --no-dereference --date="$time" ${path}`;
const otherMode = 'chmod $(printf %o $((0$(stat -c %a "$f") ^ 0111))) "$f"';
const fileDamages: Readonly<Record<string, FileDamage>> = {
  byte: { of: files, script: '' },
  mode: { of: files, script: otherMode },
  'target of a symlink': {
    of: ['-type', 'l'],
    script: keepTimeOf('"$f"', 'ln --symbolic --force --no-dereference other "$f"'),
  },
  owner: { of: files, script: 'mode=$(stat -c %a "$f"); chown -h 4242 "$f"; chmod "$mode" "$f"' },
  'group of hard links': {
    of: ['-type', 'f', '-links', '+1'],
    script: keepTimeOf('"$(dirname "$f")"', 'cp --archive "$f" "$f.new"; mv "$f.new" "$f"'),
    // Another name of the file, where this one comes first.
    told: () => undefined,
  },
  time: { of: files, script: 'touch -h -d "@1234567890.5" "$f"' },
  'value of an xattr': { of: ['-path', './one'], script: 'setfattr -n user.empty -v other "$f"' },
  xattr: { of: files, script: 'setfattr -n user.campaign -v x "$f"' },
  'mode of a directory': { of: folders, script: otherMode },
  'hard link': { of: files, script: 'ln "$f" "$f.2"', told: (path) => `${path}.2` },
  'owner of a directory': { of: folders, script: 'chown -h 4242 "$f"' },
  removal: { of: files, script: 'rm "$f"' },
  'time of a directory': { of: folders, script: 'touch -d "@1234567890.5" "$f"' },
  'another type': { of: files, script: 'rm "$f"; mkfifo "$f"' },
  symlink: { of: files, script: 'rm "$f"; ln -s elsewhere "$f"' },
};

/** All kinds of damage to files on all sides, in turn: chance would leave some out. */
const fileKinds = Object.keys(fileDamages);
const sides = ['archive', 'disk', 'index'] as const;
let fileTurn = 0;
let imageTurn = 0;

/** Changes one thing of the files of a copy of the disk, which then is the one or the other side. */
async function damagedFile(made: Made, random: Random): Promise<Damaged> {
  const { way } = made;
  const original = stand.images[way.filesystem];
  const image = await stand.copy(original);
  // 15 kinds and 3 sides: the second step makes every pair of them come once in 45.
  const kind = fileKinds[fileTurn % fileKinds.length] ?? 'byte';
  const { of, script, told = (path: string) => path } = fileDamages[kind] ?? { of: files, script: 'false' };
  const side = sides[(fileTurn + Math.floor(fileTurn / fileKinds.length)) % sides.length];
  fileTurn += 1;
  const changed = await stand.mounted(way, image, 'rw', async (root) => {
    const list = await runText(['find', '.', '-xdev', ...of, '-print0'], { cwd: root });
    const names = list
      .split('\0')
      .filter((name) => name !== '' && !name.includes('\ufffd'))
      .map((name) => name.slice(2));
    const file = pick(random, names.sort());
    if (kind === 'byte') {
      const full = join(root, file);
      const size = Number(await runText(['stat', '-c', '%s', '--', full]));
      await run(['cp', '--attributes-only', '--preserve=timestamps', '--', full, join(root, 'reference')]);
      await changeByte(full, random(size));
      await run(['touch', '-r', join(root, 'reference'), '--', full]);
      await run(['rm', join(root, 'reference')]);
    } else await run(['bash', '-ec', `f="$1"; ${script}`, 'bash', `./${file}`], { cwd: root });
    return file;
  });
  const path = told(changed);
  const what = `${kind} of ${changed}, in the ${side}`;
  if (side === 'disk') return { object: made.object, image, path, what };
  const other = await stand.archive(way, image);
  if (side === 'archive') return { object: other.object, image: original, path, what };
  return { object: withIndexOf(made.object, other.object), image: undefined, path, what };
}

/** An object with the index of another, as if that were its own. */
function withIndexOf({ index, expected }: FoundObject, object: FoundObject): FoundObject {
  if (object.expected === undefined || expected === undefined) throw new Error('It has no manifest.');
  return { ...object, index, expected: { ...object.expected, index: expected.index } };
}

async function damagedImage(made: Made, random: Random): Promise<Damaged> {
  const image = await stand.copy(made.image);
  const size = Number(await runText(['stat', '-c', '%s', image]));
  const at = random(size);
  await changeByte(image, at);
  const side = sides[imageTurn % sides.length];
  imageTurn += 1;
  if (side === 'disk') return { object: made.object, image, what: `byte ${at} of the disk` };
  const other = await stand.archive(made.way, image);
  if (side === 'archive') return { object: other.object, image: made.image, what: `byte ${at} of the image` };
  return { object: withIndexOf(made.object, other.object), image: undefined, what: `byte ${at}, not in the index` };
}

async function damaged(made: Made, random: Random): Promise<Damaged> {
  if (random(2) === 0) return damagedObject(made, random);
  return made.way.content === 'tar' ? damagedFile(made, random) : damagedImage(made, random);
}

describe('validation', () => {
  it(
    `finds all of ${trials} damages`,
    async () => {
      const missed: string[] = [];
      for (let trial = 0; trial < trials; trial += 1) {
        const random = createRandom(seed * 1_000_003 + trial);
        const made = await stand.archive(randomWay(random));
        const damage = await damaged(made, random);
        const told = `seed ${seed}, trial ${trial}: ${JSON.stringify(made.way)}: ${damage.what}`;
        const findings = await stand.validate(damage.object, made.way, damage.image).catch((error: unknown) => {
          throw new Error(`${told}: ${String(error)}`, { cause: error });
        });
        const isNamed = damage.path === undefined || findings.some(({ path }) => path === damage.path);
        if (findings.length === 0 || !isNamed) missed.push(told);
        const copies = [damage.image, made.image].filter((one) => one?.includes('copy-') === true);
        for (const copy of copies) await rm(copy ?? '', { force: true });
      }
      expect(missed).toEqual([]);
    },
    60_000 + trials * 15_000,
  );

  it(
    `finds nothing in ${cleanRuns} runs without damage`,
    async () => {
      for (let trial = 0; trial < cleanRuns; trial += 1) {
        const random = createRandom(seed * 2_000_003 + trial);
        const made = await stand.archive(randomWay(random));
        const image = random(2) === 0 ? made.image : undefined;
        const told = `seed ${seed}, trial ${trial}: ${JSON.stringify(made.way)}`;
        expect(await stand.validate(made.object, made.way, image), told).toEqual([]);
      }
    },
    60_000 + cleanRuns * 15_000,
  );
});
