export type { NewPrincipal } from './account.js';
export { administrator } from './administrator.js';
export { openIdentities, type Credential, type Identities, type IdentitiesOptions } from './identities.js';
export type { AccessKey, TemporaryKey } from './keys.js';
export { MalformedPolicy, parsePolicy, type Policy } from './policy/index.js';
export type { NewSession, Role } from './role.js';
export { rotatingKeys, type RotatingKeys, type RotationOptions } from './rotation.js';
export { shippedPolicy, type PolicyPlaces } from './shipped-policy.js';
export type { User } from './user.js';
