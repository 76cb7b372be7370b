import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { routes as ebsRoutes } from '../../sandbox/ebs/index.js';
import { operations } from '../../sandbox/ec2/operations/index.js';
import { operations as pricingOperations } from '../../sandbox/pricing/index.js';
import { routes } from '../../sandbox/s3/index.js';
import { operations as stsOperations } from '../../sandbox/sts/index.js';

/** The names in the paragraph that begins with "Operations:" below a heading. */
async function documented(heading: string): Promise<readonly string[]> {
  const text = await readFile(join(import.meta.dirname, '../../sandbox/FIDELITY.md'), 'utf8');
  const section = text.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? '';
  const paragraph = /Operations: ([^]*?)\.\n\n/.exec(section)?.[1] ?? '';
  return paragraph
    .replace(/\([^)]*\)/g, '')
    .split(',')
    .map((name) => name.trim())
    .sort();
}

describe('FIDELITY.md', () => {
  it('lists the operations of the local S3, all of them and no other', async () => {
    expect(await documented('S3')).toEqual(routes.map((route) => route.name).sort());
  });

  it('lists the operations of the local EC2, all of them and no other', async () => {
    expect(await documented('EC2')).toEqual([...operations.keys()].sort());
  });

  it('lists the operations of the local STS, all of them and no other', async () => {
    expect(await documented('STS')).toEqual([...stsOperations.keys()].sort());
  });

  it('lists the operations of the local Price List, all of them and no other', async () => {
    expect(await documented('Price List')).toEqual([...pricingOperations.keys()].sort());
  });

  it('lists the operations of the local EBS direct, all of them and no other', async () => {
    expect(await documented('EBS direct')).toEqual(ebsRoutes.map((route) => route.name).sort());
  });
});
