import { element } from '../../server/xml.js';
import { malformedXml, notImplemented, S3Error } from '../errors.js';
import { readSmallBody } from '../http/small-body.js';
import { onlyKnown, parseXml, text } from '../http/xml-body.js';
import { answerEmpty, answerXml, bucketOf, changeSettings, namespace, type Operation } from './operation.js';

/** GetBucketVersioning; nothing for a bucket that never had it. */
export const getBucketVersioning: Operation = async (request, response, context) => {
  const { versioning } = bucketOf(request, context).settings;
  const status = versioning === undefined ? undefined : [element('Status', versioning)];
  answerXml(response, element('VersioningConfiguration', status, namespace));
  await Promise.resolve();
};

/** PutBucketVersioning. Throws `InvalidBucketState` where Object Lock needs it. */
export const putBucketVersioning: Operation = async (request, response, context) => {
  bucketOf(request, context);
  const configuration = parseXml(await readSmallBody(request), 'VersioningConfiguration');
  onlyKnown(configuration, ['Status', 'MfaDelete'], 'PutBucketVersioning');
  const mfaDelete = text(configuration.MfaDelete) ?? 'Disabled';
  if (mfaDelete !== 'Disabled') throw notImplemented('MFA delete');
  const versioning = text(configuration.Status);
  if (versioning === undefined) {
    throw new S3Error('IllegalVersioningConfigurationException', 'The Versioning element must be specified');
  }
  if (versioning !== 'Enabled' && versioning !== 'Suspended') throw malformedXml();
  await changeSettings(request, context, (settings) => {
    if (settings.objectLock !== undefined && versioning === 'Suspended') {
      throw new S3Error(
        'InvalidBucketState',
        'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
      );
    }
    return { ...settings, versioning };
  });
  answerEmpty(response, 200);
};
