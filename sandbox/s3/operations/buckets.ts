import { element } from '../../server/xml.js';
import { notImplemented, S3Error } from '../errors.js';
import { header } from '../http/request.js';
import { readSmallBody } from '../http/small-body.js';
import { text, parseXml } from '../http/xml-body.js';
import type { BucketSettings } from '../state/index.js';
import { answerEmpty, answerXml, bucketOf, namespace, xmlTime, type Operation } from './operation.js';

/** Names of general purpose buckets (S3 user guide, "General purpose bucket naming rules"). */
const bucketName = /^(?!\d+\.\d+\.\d+\.\d+$)(?!xn--)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/;

/** CreateBucket. One's own bucket again: 409, but in us-east-1 200 as ever. */
export const createBucket: Operation = async (request, response, { store, clock, region }) => {
  const name = request.bucket ?? '';
  if (!bucketName.test(name)) {
    throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.', { BucketName: name });
  }
  const isLocked = header(request, 'x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true';
  const settings: BucketSettings = isLocked ? { versioning: 'Enabled', objectLock: {} } : {};
  const location = readLocation(await readSmallBody(request), region);
  await store.turns.take(name, async () => {
    if (!store.buckets.has(name)) {
      await store.createBucket({ name, region: location, createdMs: clock.now(), settings });
    } else if (region !== 'us-east-1') {
      throw new S3Error(
        'BucketAlreadyOwnedByYou',
        'Your previous request to create the named bucket succeeded and you already own it.',
        { BucketName: name },
      );
    }
  });
  answerEmpty(response, 200, { location: `/${name}` });
};

/** What a LocationConstraint looks like; `EU` is an old name of eu-west-1. */
const locationName = /^(?:EU|[a-z]{2}(?:-[a-z]+)+-\d)$/;

/**
 * Throws `IllegalLocationConstraintException` for another region than the one that was asked (us-east-1 takes all), and
 * `InvalidLocationConstraint` for none, as which S3 sees us-east-1 too when us-east-1 is asked: it is the default.
 */
function readLocation(body: string, region: string): string {
  const configuration = body === '' ? {} : parseXml(body, 'CreateBucketConfiguration');
  const unknown = Object.keys(configuration).find((name) => name !== 'LocationConstraint' && name !== '#text');
  if (unknown !== undefined) throw notImplemented(`CreateBucket with ${unknown}`);
  const asked = text(configuration.LocationConstraint);
  if (asked !== undefined && (!locationName.test(asked) || (asked === 'us-east-1' && region === 'us-east-1'))) {
    throw new S3Error('InvalidLocationConstraint', 'The specified location-constraint is not valid', {
      LocationConstraint: asked,
    });
  }
  const location = asked ?? region;
  if (location === region || region === 'us-east-1') return location;
  throw new S3Error(
    'IllegalLocationConstraintException',
    `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  );
}

/** HeadBucket. */
export const headBucket: Operation = async (request, response, context) => {
  const bucket = bucketOf(request, context);
  answerEmpty(response, 200, { 'x-amz-bucket-region': bucket.region });
  await Promise.resolve();
};

/** DeleteBucket: only empty ones, in which nothing is being written. */
export const deleteBucket: Operation = async (request, response, context) => {
  const { store } = context;
  await store.turns.take(request.bucket ?? '', async () => {
    const bucket = bucketOf(request, context);
    if (bucket.turns.busy > 0) {
      throw new S3Error(
        'OperationAborted',
        'A conflicting conditional operation is currently in progress against this resource. Please try again.',
      );
    }
    if (bucket.versions.size > 0 || bucket.uploads.size > 0) {
      const more = bucket.settings.versioning === undefined ? '' : '. You must delete all versions in the bucket.';
      throw new S3Error('BucketNotEmpty', `The bucket you tried to delete is not empty${more}`, {
        BucketName: bucket.name,
      });
    }
    await store.deleteBucket(bucket);
  });
  answerEmpty(response, 204);
};

/** GetBucketLocation; us-east-1 is the empty constraint. */
export const getBucketLocation: Operation = async (request, response, context) => {
  const { region } = bucketOf(request, context);
  answerXml(response, element('LocationConstraint', region === 'us-east-1' ? undefined : region, namespace));
  await Promise.resolve();
};

/** ListBuckets, all in one page. */
export const listBuckets: Operation = async (_request, response, { store }) => {
  const buckets = Array.from(store.buckets.values()).sort((a, b) => (a.name < b.name ? -1 : 1));
  answerXml(
    response,
    element(
      'ListAllMyBucketsResult',
      [
        element('Owner', [element('ID', ownerId)]),
        element(
          'Buckets',
          buckets.map((bucket) =>
            element('Bucket', [element('Name', bucket.name), element('CreationDate', xmlTime(bucket.createdMs))]),
          ),
        ),
      ],
      namespace,
    ),
  );
  await Promise.resolve();
};

/** The canonical user id of the one account. */
export const ownerId = '75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a';
