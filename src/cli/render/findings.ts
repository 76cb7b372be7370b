import type { Finding, FindingGroup, FindingStatus } from '../../commands/index.js';
import { count, printable } from '../../core/index.js';
import { wrap } from './wrap.js';

/** How many findings of each status there were. */
export type Counts = Readonly<Record<FindingStatus, number>>;

/** How findings are shown. */
export interface FindingStyle {
  readonly colour: boolean;
  /** Of the terminal, in characters. */
  readonly columns: number;
}

const headings: Readonly<Record<FindingGroup, string>> = {
  machine: 'This machine',
  aws: 'AWS',
  bucket: 'The bucket',
  ec2: 'EC2',
};
/** The mark is a word, so that it needs neither colour nor a font. */
const marks: Readonly<Record<FindingStatus, { readonly word: string; readonly colour: string }>> = {
  ok: { word: 'ok', colour: '32' },
  warning: { word: 'warning', colour: '33' },
  failed: { word: 'FAILED', colour: '1;31' },
  unknown: { word: 'unknown', colour: '36' },
};
const markColumns = 9;

/** The heading of a group. */
export function groupHeading(group: FindingGroup): string {
  return headings[group];
}

/** A finding as a paragraph whose first column is its mark; the advice is a paragraph of its own. */
export function findingText({ check, status, text, advice }: Finding, style: FindingStyle): string {
  const { word, colour } = marks[status];
  const mark = style.colour ? `\u001b[${colour}m${word}\u001b[0m` : word;
  // Other names are for programs, and say nothing that the sentence does not say.
  const isPermission = check.includes(':');
  const subject = isPermission || status === 'unknown' ? `${check}: ` : '';
  const indent = ' '.repeat(markColumns + 1);
  const width = Math.max(40, style.columns - 1) - indent.length;
  const lines = [
    ...wrap(printable(`${subject}${text}`), width),
    ...(advice === undefined ? [] : wrap(`-> ${printable(advice)}`, width)),
  ];
  return ` ${mark}${' '.repeat(markColumns - word.length)}${lines.join(`\n${indent}`)}`;
}

/** The last two lines. */
export function verdict({ ok, warning, failed, unknown }: Counts): string {
  const numbers = [
    `${ok} ok`,
    ...(warning > 0 ? [count(warning, 'warning')] : []),
    ...(unknown > 0 ? [`${unknown} unknown`] : []),
    `${failed} failed`,
  ].join(', ');
  return failed > 0
    ? `${numbers}.\nmigrate cannot work before what failed is put right.`
    : `${numbers}.\nNothing stands in the way of migrate${unknown > 0 ? ' that could be seen' : ''}.`;
}
