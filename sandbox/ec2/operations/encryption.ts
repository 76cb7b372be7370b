import { invalidParameterDependency, invalidParameterValue } from '../errors.js';
import { managedKeyArn, namedKey } from '../kms.js';
import type { Parameters } from '../query/index.js';
import { isOwnedBy } from '../sharing.js';
import type { Snapshot } from '../state/index.js';
import type { OperationContext } from './operation.js';
import { accountOf } from './resources.js';

/** What a request says about encryption. */
export interface EncryptionRequest {
  /** Undefined: nothing was said. */
  readonly encrypted: boolean | undefined;
  readonly kmsKeyId: string | undefined;
}

/** What comes of it. */
export interface Encryption {
  readonly encrypted: boolean;
  /** The ARN of the key; null where nothing is encrypted. */
  readonly kmsKeyId: string | null;
}

/** Reads `Encrypted` and `KmsKeyId`. Throws `InvalidParameterDependency` for a key without encryption. */
export function readEncryption(parameters: Parameters): EncryptionRequest {
  const kmsKeyId = parameters.text('KmsKeyId');
  const given = parameters.text('Encrypted') !== undefined;
  const flag = parameters.flag('Encrypted');
  if (kmsKeyId !== undefined && !flag) {
    throw invalidParameterDependency('The parameter KmsKeyId requires the parameter Encrypted to be set.');
  }
  return { encrypted: given ? flag : undefined, kmsKeyId };
}

/**
 * The encryption of a new volume: asked for, or that of the snapshot, or by default in this region. Without a named key
 * it keeps the key of the account's own snapshot.
 */
export function volumeEncryption(
  request: EncryptionRequest,
  source: Snapshot | undefined,
  context: OperationContext,
): Encryption {
  const own = source !== undefined && isOwnedBy(source, accountOf(context)) ? source.kmsKeyId : null;
  return encryptionOf(request, { sourceEncrypted: source?.encrypted === true, key: own, context });
}

/** The encryption of a copy. Without a named key it has the default one: that of the source may be of another region. */
export function copyEncryption(request: EncryptionRequest, source: Snapshot, context: OperationContext): Encryption {
  return encryptionOf(request, { sourceEncrypted: source.encrypted, key: null, context });
}

function encryptionOf(
  request: EncryptionRequest,
  given: { readonly sourceEncrypted: boolean; readonly key: string | null; readonly context: OperationContext },
): Encryption {
  const { sourceEncrypted, key, context } = given;
  const { region } = context;
  if (sourceEncrypted && request.encrypted === false) {
    throw invalidParameterValue('What is made of an encrypted snapshot is encrypted: Encrypted cannot be false.');
  }
  const encrypted = request.encrypted === true || sourceEncrypted || region.settings.encryptionByDefault;
  if (!encrypted) return { encrypted, kmsKeyId: null };
  const place = { region: region.name, accountId: accountOf(context) };
  if (request.kmsKeyId !== undefined) return { encrypted, kmsKeyId: namedKey(request.kmsKeyId, place).arn };
  return { encrypted, kmsKeyId: key ?? managedKeyArn(place) };
}
