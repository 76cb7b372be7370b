import type { AccessKey } from './keys.js';
import { parsePolicy } from './policy/index.js';

/**
 * The key of the sandbox's administrator, who may do everything: for seeding, and for trying other clients. It is the
 * same in every sandbox and opens nothing else.
 */
export const administrator: AccessKey = {
  accessKeyId: 'AKIASANDBOXADMIN0001',
  secretAccessKey: 'sandbox/administrator/of/the/local/AWS00',
};

/** The user that the key belongs to; every sandbox has it. */
export const administratorUser = {
  name: 'administrator',
  id: 'AIDASANDBOXADMIN00001',
  key: administrator,
  /** AWS's managed policy AdministratorAccess. */
  policies: [parsePolicy('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}')],
} as const;
