import { element } from '../../../server/xml.js';
import { invalidArgument, malformedXml, S3Error } from '../../errors.js';
import { isMode } from '../../http/object-lock.js';
import { readSmallBody } from '../../http/small-body.js';
import { children, onlyKnown, parseXml, text, type XmlNode } from '../../http/xml-body.js';
import type { DefaultRetention } from '../../state/index.js';
import { answerEmpty, answerXml, bucketOf, changeSettings, namespace, type Operation } from '../operation.js';

/** The longest default retention: 100 years of 365 days. */
const longestDays = 36_500;

/** GetObjectLockConfiguration. */
export const getObjectLockConfiguration: Operation = async (request, response, context) => {
  const { name, settings } = bucketOf(request, context);
  if (settings.objectLock === undefined) {
    throw new S3Error(
      'ObjectLockConfigurationNotFoundError',
      'Object Lock configuration does not exist for this bucket',
      { BucketName: name },
    );
  }
  const { defaultRetention } = settings.objectLock;
  const rule =
    defaultRetention === undefined
      ? undefined
      : element('Rule', [
          element('DefaultRetention', [
            element('Mode', defaultRetention.mode),
            element(defaultRetention.period.unit, defaultRetention.period.count),
          ]),
        ]);
  answerXml(response, element('ObjectLockConfiguration', [element('ObjectLockEnabled', 'Enabled'), rule], namespace));
  await Promise.resolve();
};

/** PutObjectLockConfiguration; also enables Object Lock, for good, where the bucket has versioning. */
export const putObjectLockConfiguration: Operation = async (request, response, context) => {
  bucketOf(request, context);
  const configuration = parseXml(await readSmallBody(request), 'ObjectLockConfiguration');
  onlyKnown(configuration, ['ObjectLockEnabled', 'Rule'], 'PutObjectLockConfiguration');
  if (text(configuration.ObjectLockEnabled) !== 'Enabled') throw malformedXml();
  const defaultRetention = readDefault(configuration);
  await changeSettings(request, context, (settings) => {
    if (settings.versioning !== 'Enabled') {
      throw new S3Error(
        'InvalidBucketState',
        "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
      );
    }
    return { ...settings, objectLock: defaultRetention === undefined ? {} : { defaultRetention } };
  });
  answerEmpty(response, 200);
};

function readDefault(configuration: Exclude<XmlNode, string>): DefaultRetention | undefined {
  if (configuration.Rule === undefined) return undefined;
  const [rule] = children(configuration.Rule);
  const [given] = children(rule?.DefaultRetention);
  if (given === undefined) throw malformedXml();
  onlyKnown(given, ['Mode', 'Days', 'Years'], 'PutObjectLockConfiguration');
  const mode = text(given.Mode);
  const days = text(given.Days);
  const years = text(given.Years);
  if (!isMode(mode) || (days === undefined) === (years === undefined)) throw malformedXml();
  return { mode, period: days === undefined ? readPeriod('Years', years ?? '') : readPeriod('Days', days) };
}

function readPeriod(unit: 'Days' | 'Years', given: string): DefaultRetention['period'] {
  if (!/^-?\d{1,10}$/.test(given)) throw malformedXml();
  const count = Number(given);
  if (count < 1) throw invalidArgument(unit, given, 'Default retention period must be a positive integer value.');
  if (count * (unit === 'Days' ? 1 : 365) > longestDays) {
    throw invalidArgument(unit, given, 'Default retention period too large.');
  }
  return { unit, count };
}
