/** An access key as a client holds it. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * The key of the sandbox's administrator, who may do everything: for seeding, and for trying other clients. It is the
 * same in every sandbox and opens nothing else.
 */
export const administrator: AccessKey = {
  accessKeyId: 'AKIASANDBOXADMIN0001',
  secretAccessKey: 'sandbox/administrator/of/the/local/AWS00',
};
