import { onAnything } from '../access/index.js';
import { operation, type Operation } from './operation.js';

/** EnableEbsEncryptionByDefault, for the region of the request. What is there already stays as it is. */
export const enableEbsEncryptionByDefault = setting('EnableEbsEncryptionByDefault', true);

/** DisableEbsEncryptionByDefault, for the region of the request. */
export const disableEbsEncryptionByDefault = setting('DisableEbsEncryptionByDefault', false);

/** GetEbsEncryptionByDefault. */
export const getEbsEncryptionByDefault = operation({
  parse: () => undefined,
  access: (_, context) => onAnything('GetEbsEncryptionByDefault', context),
  perform: (_, { region }) => ({ ebsEncryptionByDefault: region.settings.encryptionByDefault }),
});

/** GetEbsDefaultKmsKeyId: the key that AWS manages, which EC2 tells by its alias as long as nobody has set another one. */
export const getEbsDefaultKmsKeyId = operation({
  parse: () => undefined,
  access: (_, context) => onAnything('GetEbsDefaultKmsKeyId', context),
  perform: () => ({ kmsKeyId: 'alias/aws/ebs' }),
});

function setting(action: string, encryptionByDefault: boolean): Operation {
  return operation({
    parse: () => undefined,
    access: (_, context) => onAnything(action, context),
    perform: async (_, { region, lifecycle }) => {
      region.putSettings({ ...region.settings, encryptionByDefault });
      await lifecycle.state.save();
      return { ebsEncryptionByDefault: encryptionByDefault };
    },
  });
}
