import { describe, expect, it } from 'vitest';
import { findingText, verdict } from '../../src/cli/render/findings.js';
import type { Finding } from '../../src/commands/index.js';

const plain = { colour: false, columns: 40 };
const finding: Finding = {
  kind: 'finding',
  group: 'ec2',
  check: 'ec2:DeleteVolume',
  status: 'failed',
  text: 'Not allowed. Nobody may.',
  advice: 'Allow it.',
};

describe('a finding as text', () => {
  it('has its mark in the first column as a word, the sentence beside it, and the advice below', () => {
    expect(findingText({ ...finding, text: 'Not allowed, for a reason.' }, plain)).toBe(
      [' FAILED   ec2:DeleteVolume: Not allowed,', '          for a reason.', '          -> Allow it.'].join('\n'),
    );
  });

  it('keeps a long word whole, so that it can be copied', () => {
    const arn = `arn:aws:ec2:us-east-1:123456789012:volume/${'x'.repeat(40)}`;
    expect(findingText({ ...finding, text: `About ${arn} it is said.` }, plain).split('\n')).toContain(
      `          ${arn}`,
    );
  });

  it('names a check where a policy has that name, or nothing else says what it is about', () => {
    const text = findingText({ ...finding, check: 'lsblk', text: 'It is there.' }, plain);
    expect(text).toMatch(/^ FAILED {3}It is there\.\n/);
    const unknown = findingText({ ...finding, check: 'clock', status: 'unknown', text: 'Not checked.' }, plain);
    expect(unknown).toMatch(/^ unknown {2}clock: Not checked\.\n/);
  });

  it('cannot move the cursor of a terminal', () => {
    const text = findingText({ ...finding, text: 'a\u001b[2Jb\nc', advice: 'd\u202e' }, { colour: false, columns: 80 });
    expect(text).not.toMatch(/\u001b|\u202e/);
    expect(text).toContain('a\\u{1b}[2Jb\\nc');
  });

  it('has the mark alone in colour, and only where there are colours', () => {
    expect(findingText(finding, { ...plain, colour: true })).toMatch(/^ \u001b\[1;31mFAILED\u001b\[0m {3}[^\u001b]*$/);
  });
});

describe('the verdict', () => {
  it.each([
    [{ ok: 3, warning: 0, failed: 0, unknown: 0 }, '3 ok, 0 failed.\nNothing stands in the way of migrate.'],
    [
      { ok: 3, warning: 1, failed: 0, unknown: 2 },
      '3 ok, 1 warning, 2 unknown, 0 failed.\nNothing stands in the way of migrate that could be seen.',
    ],
    [
      { ok: 3, warning: 2, failed: 1, unknown: 0 },
      '3 ok, 2 warnings, 1 failed.\nmigrate cannot work before what failed is put right.',
    ],
  ])('of %j', (counts, sentence) => expect(verdict(counts)).toBe(sentence));
});
