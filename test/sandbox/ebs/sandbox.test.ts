import { describe, expect, it, onTestFinished } from 'vitest';
import { noDelays, noQuotas, startSandbox } from '../../../sandbox/index.js';
import { clientOf } from '../ec2/support.js';
import { allPages, blockOf, ebsClientOf, scratchDirectory, written } from './support.js';

describe('startSandbox', () => {
  it('has EBS direct on the port of all services, with the quotas and pages that it is told', async () => {
    const sandbox = await startSandbox({
      stateDirectory: await scratchDirectory(),
      port: 0,
      delays: noDelays,
      ebs: { quotas: noQuotas, delays: { completeMs: 0 }, paging: { emptyPages: 1 } },
    });
    onTestFinished(() => sandbox.close());
    const [ebs, ec2] = [ebsClientOf(sandbox.url), clientOf(sandbox.url)];
    const id = await written({ ebs, ec2 }, [[1, blockOf(1)]]);
    expect((await allPages(ebs, id)).map(({ Blocks }) => Blocks?.length)).toEqual([0, 1]);
  });
});
