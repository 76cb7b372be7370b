import {
  DescribeServicesCommand,
  GetAttributeValuesCommand,
  GetProductsCommand,
  ListPriceListsCommand,
  type Filter,
  type PricingClient,
} from '@aws-sdk/client-pricing';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../sandbox/server/refusal.js';
import { raw } from '../server/support.js';
import { getProducts, terms, testPricing } from './support.js';

async function usageTypes(client: PricingClient, Filters: Filter[]): Promise<readonly string[]> {
  const { entries } = await getProducts(client, { ServiceCode: 'AmazonEC2', Filters });
  return entries.map(({ product }) => product.attributes.usagetype ?? '').sort();
}

describe('the local Price List', () => {
  it('describes its services and the values of their attributes', async () => {
    const { client } = await testPricing();
    const all = await client().send(new DescribeServicesCommand({}));
    expect(all.FormatVersion).toBe('aws_v1');
    expect(all.Services?.map(({ ServiceCode }) => ServiceCode)).toEqual([
      'AmazonEC2',
      'AmazonS3',
      'AmazonS3GlacierDeepArchive',
    ]);
    const { Services } = await client().send(new DescribeServicesCommand({ ServiceCode: 'AmazonEC2' }));
    expect(Services).toHaveLength(1);
    expect(Services?.[0]?.AttributeNames).toEqual(
      expect.arrayContaining(['productFamily', 'regionCode', 'usagetype', 'volumeApiName']),
    );
    const values = await client().send(
      new GetAttributeValuesCommand({ ServiceCode: 'AmazonEC2', AttributeName: 'volumeApiName' }),
    );
    expect(values.AttributeValues?.map(({ Value }) => Value)).toEqual([
      'gp2',
      'gp3',
      'io1',
      'io2',
      'sc1',
      'st1',
      'standard',
    ]);
  });

  it('filters by terms, equality, parts of values, and lists of values', async () => {
    const { client } = await testPricing();
    const region: Filter = { Type: 'EQUALS', Field: 'regionCode', Value: 'us-east-1' };
    const by = (Type: Filter['Type'], Field: string, Value: string) =>
      usageTypes(client(), [region, { Type, Field, Value }]);
    expect(await by('TERM_MATCH', 'volumeApiName', 'gp3')).toEqual(['EBS:VolumeUsage.gp3']);
    expect(await by('TERM_MATCH', 'volumeApiName', 'gp')).toEqual([]);
    expect(await by('CONTAINS', 'volumeApiName', 'gp')).toEqual(['EBS:VolumeUsage.gp2', 'EBS:VolumeUsage.gp3']);
    expect(await by('ANY_OF', 'volumeApiName', 'st1, sc1')).toEqual(['EBS:VolumeUsage.sc1', 'EBS:VolumeUsage.st1']);
    const without = await by('NONE_OF', 'volumeApiName', 'gp2,gp3');
    expect(without).toContain('EBS:VolumeUsage.io2');
    expect(without).not.toContain('EBS:VolumeUsage.gp2');
    expect(await by('TERM_MATCH', 'colour', 'red')).toEqual([]);
    expect(await by('TERM_MATCH', 'constructor', 'red')).toEqual([]);
    expect(await by('TERM_MATCH', 'ServiceCode', 'AmazonS3')).toEqual([]);
  });

  it('pages, without losing or repeating a product', async () => {
    const { client } = await testPricing();
    const whole = await getProducts(client(), { ServiceCode: 'AmazonS3' });
    expect(whole.nextToken).toBeUndefined();
    const paged: string[] = [];
    let nextToken: string | undefined;
    let pages = 0;
    do {
      const page = await getProducts(client(), { ServiceCode: 'AmazonS3', MaxResults: 7, NextToken: nextToken });
      paged.push(...page.texts);
      nextToken = page.nextToken;
      pages += 1;
    } while (nextToken !== undefined);
    expect(paged).toEqual(whole.texts);
    expect(pages).toBe(Math.ceil(paged.length / 7));
  });

  it('refuses page tokens of another query, made up, or an hour old', async () => {
    const { client, pass } = await testPricing();
    const first = { ServiceCode: 'AmazonS3', MaxResults: 1 };
    const { NextToken = '' } = await client().send(new GetProductsCommand(first));
    expect(NextToken).toMatch(/^[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/=]+$/);
    const others = [
      { ...first, NextToken: `A${NextToken.slice(1)}`.replace(/^AA/, 'BA') },
      { ...first, NextToken: 'made up' },
      { ...first, NextToken: '' },
      { ServiceCode: 'AmazonEC2', MaxResults: 1, NextToken },
      { ...first, Filters: terms({ usagetype: 'Requests-Tier1' }), NextToken },
    ];
    for (const other of others) {
      await expect(client().send(new GetProductsCommand(other)), JSON.stringify(other)).rejects.toMatchObject({
        name: 'InvalidNextTokenException',
      });
    }
    pass(60 * 60 * 1000 - 1);
    expect((await client().send(new GetProductsCommand({ ...first, NextToken }))).PriceList).toHaveLength(1);
    pass(1);
    await expect(client().send(new GetProductsCommand({ ...first, NextToken }))).rejects.toMatchObject({
      name: 'ExpiredNextTokenException',
    });
  });

  it('refuses what the API does not take, by the words of AWS where they are known', async () => {
    const { client } = await testPricing();
    const bad = (input: object) => client().send(new GetProductsCommand(input as { ServiceCode: string }));
    await expect(bad({})).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining('Input Parameters are invalid.') as string,
    });
    await expect(bad({ ServiceCode: '' })).rejects.toThrow('serviceCode cannot be null or empty');
    await expect(bad({ ServiceCode: 'Amazon EC2' })).rejects.toThrow('ServiceCode can only contain a-z, A-Z, 0-9');
    await expect(bad({ ServiceCode: 'AmazonEC2', FormatVersion: 'aws_v2' })).rejects.toThrow('aws_v1');
    const filter = { Type: 'LIKE', Field: 'usagetype', Value: 'x' };
    const refused: object[] = [
      { MaxResults: 0 },
      { MaxResults: 101 },
      { Filters: [filter] },
      { Filters: [{ ...filter, Type: 'EQUALS', Value: '' }] },
      { Filters: Array.from({ length: 51 }, () => ({ ...filter, Type: 'EQUALS' })) },
    ];
    for (const members of refused) {
      await expect(bad({ ServiceCode: 'AmazonEC2', ...members }), JSON.stringify(members)).rejects.toMatchObject({
        name: 'InvalidParameterException',
        $metadata: { httpStatusCode: 400 },
      });
    }
    await expect(bad({ ServiceCode: 'AmazonRDS' })).rejects.toMatchObject({ name: 'NotFoundException' });
    const attribute = { ServiceCode: 'AmazonS3', AttributeName: 'volumeApiName' };
    await expect(client().send(new GetAttributeValuesCommand(attribute))).rejects.toMatchObject({
      name: 'NotFoundException',
    });
  });

  it('says what it does not have: operations, members, requests that are none', async () => {
    const { client, url } = await testPricing();
    const list = { ServiceCode: 'AmazonS3', EffectiveDate: new Date(), CurrencyCode: 'USD' };
    await expect(client().send(new ListPriceListsCommand(list))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: 'The sandbox does not implement pricing:ListPriceLists.',
    });
    const post = async (target: string, body: string) => {
      const scope = 'AKIATEST/20260101/us-east-1/pricing/aws4_request';
      const headers = {
        authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=00`,
        'x-amz-target': `AWSPriceListService.${target}`,
      };
      const answer = await raw(url, { method: 'POST', headers, body });
      return [answer.status, (JSON.parse(answer.body) as { __type: string }).__type];
    };
    expect(await post('GetProducts', '{"ServiceCode":"AmazonS3","Colour":"red"}')).toEqual([
      400,
      'InvalidParameterException',
    ]);
    expect(await post('GetProducts', '{')).toEqual([400, 'SerializationException']);
    expect(await post('GetColours', '{}')).toEqual([400, 'UnknownOperationException']);
  });

  it('is in three regions only', async () => {
    const { client } = await testPricing();
    for (const region of ['us-east-1', 'eu-central-1', 'ap-south-1']) {
      expect((await client({ region }).send(new DescribeServicesCommand({}))).Services).toHaveLength(3);
    }
    await expect(client({ region: 'eu-west-1' }).send(new DescribeServicesCommand({}))).rejects.toMatchObject({
      name: 'InvalidSignatureException',
      message: "Credential should be scoped to a valid region, not 'eu-west-1'.",
    });
  });

  it('asks for leave by the action of the operation, and tells a refusal in its own words', async () => {
    const asked: unknown[] = [];
    const { client, defects } = await testPricing({
      stages: [
        async (exchange, next) => {
          const authorize = (access: object): void => {
            asked.push(access);
            throw new Refusal('access-denied', 'Not you.');
          };
          const caller = { ...exchange.request.caller, authorize };
          await next({ ...exchange, request: { ...exchange.request, caller } });
        },
      ],
    });
    await expect(client().send(new GetProductsCommand({ ServiceCode: 'AmazonS3' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: 'Not you.',
    });
    expect(asked).toEqual([{ action: 'pricing:GetProducts', resource: '*' }]);
    expect(defects).toEqual([]);
  });
});
