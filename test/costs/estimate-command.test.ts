import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.js';
import type { Output } from '../../src/cli/render/index.js';
import { tables } from './reference-tables.js';

// The three tables of the existing tool's README, through the command.

const prices2017 = join(import.meta.dirname, '../../docs/guides/prices-of-2017.json');

async function linesOf(argv: readonly string[]): Promise<readonly string[]> {
  let text = '';
  const stream = new Writable({
    write: (bytes: Buffer, _, done) => {
      text += bytes.toString();
      done();
    },
  });
  const output = { stdout: stream, stderr: stream } as unknown as Output;
  expect(await main(argv, output, {}), text).toBe(0);
  return text.split('\n');
}

describe('estimate', () => {
  it.each([1, 2] as const)('prints the table of archives compressed %i:1, row by row', async (ratio) => {
    const argv = ['estimate', '--region', 'us-west-2', '--prices', prices2017, '--compression-ratio', String(ratio)];
    const lines = await linesOf(argv);
    const head = lines.find((line) => line.startsWith('change')) ?? '';
    const names = head.split(/ {2,}/);
    const columns = ['S3 Std', 'S3 IA', 'Glacier'].map((name) => names.indexOf(ratio === 1 ? name : `${name} 2:1`));
    const rows = lines.filter((line) => /^\d+%/.test(line)).map((line) => line.split(/ {2,}/));
    const shown = rows.map((row) => [row[0]?.replace('%', ''), ...columns.map((at) => row[at])].join(' '));
    expect(shown).toEqual(tables[ratio].split('\n'));
    const many = lines.find((line) => line.startsWith('with many snapshots'))?.split(/ {2,}/) ?? [];
    const limits = ratio === 1 ? ['46%', '25%', '8.0%'] : ['23%', '12.5%', '4.0%'];
    expect(columns.map((at) => many[at])).toEqual(limits);
    // Archives of the changes alone cost the same share whatever changes; EBS's archive tier has none.
    const incremental = lines.find((line) => line.startsWith('if incremental'))?.split(/ {2,}/) ?? [];
    expect(columns.map((at) => incremental[at])).toEqual(limits);
    expect(incremental).toHaveLength(names.length - 1);
    expect(lines).toContain(
      "Prices of us-west-2: the file's of 2017-05-25; what it does not say is as in our list of 2026-11-01; " +
        'what is not known of them is as in us-east-1. --prices takes others.',
    );
  });

  it('prints the memory table', async () => {
    const rows = (await linesOf(['estimate', '--memory-table'])).flatMap((line) => {
      const [, gib, one, four] = /^([\d,]+) GiB +([\d,]+) MiB +([\d,]+) MiB$/.exec(line) ?? [];
      return gib === undefined ? [] : [[gib, one, four].join(' ').replaceAll(',', '')];
    });
    expect(rows).toEqual([
      '1 5 20',
      '40 5 20',
      '100 11 46',
      '200 23 91',
      '400 46 180',
      '800 91 360',
      '1600 180 730',
      '3200 360 1500',
    ]);
  });
});
