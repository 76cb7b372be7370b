import type { FoundReport } from './report-file.js';

/** A number of a part as AWS writes it: `-1`, `-12`, `-00001`. The 20 of `2026-05-20`, and the 05 of `2026-05`, are none. */
const partNumber = /(?<!\d{4}(?:[-_]\d\d)?(?=[-_]\d\d$))[-_]([1-9]\d{0,2}|\d{5})$/;

interface NamedFile {
  /** The path without number and packing. */
  readonly stem: string;
  /** Empty where the name has none. */
  readonly part: string;
  /** `.csv.gz`; parts of one delivery are packed alike, or at least none of them twice. */
  readonly packing: string;
}

function named(path: string): NamedFile {
  const packing = /(?:\.snappy)?(?:\.csv)?(?:\.(?:csv|gz|zip|parquet))?$/i.exec(path)?.[0] ?? '';
  const name = path.slice(0, path.length - packing.length);
  const part = partNumber.exec(name)?.[1] ?? '';
  return { stem: part === '' ? name : name.slice(0, -part.length - 1), part, packing: packing.toLowerCase() };
}

/**
 * Each file with the number of its delivery: of one delivery are those that a manifest names, and without one the numbered
 * parts of one name in one folder. The same part in two packings, or a copy under another name or date, is another delivery:
 * what it has would count twice. The newer one has the higher number.
 */
export function deliveriesOf(files: readonly FoundReport[]): ReadonlyMap<FoundReport, number> {
  const names = new Map(files.map((file): [FoundReport, NamedFile] => [file, named(file.delivery)]));
  const parts = new Map<string, number>();
  for (const { stem, part } of names.values()) parts.set(`${stem} ${part}`, (parts.get(`${stem} ${part}`) ?? 0) + 1);
  const stemsTwice = new Set<string>();
  for (const { stem, part } of names.values()) {
    if ((parts.get(`${stem} ${part}`) ?? 0) > 1) stemsTwice.add(stem);
  }
  const idOf = ({ stem, packing }: NamedFile): string => (stemsTwice.has(stem) ? `${stem} ${packing}` : stem);
  const newness = new Map<string, number>();
  const ids = new Map<FoundReport, string>();
  for (const [file, name] of names) {
    ids.set(file, idOf(name));
    newness.set(idOf(name), Math.max(file.newness, newness.get(idOf(name)) ?? 0));
  }
  const inOrder = [...newness].sort((a, b) => a[1] - b[1]).map(([id]) => id);
  const numbers = new Map(inOrder.map((id, number) => [id, number]));
  return new Map([...ids].map(([file, id]) => [file, numbers.get(id) ?? 0]));
}
