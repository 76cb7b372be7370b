export { administrator, type AccessKey } from './administrator.js';
export { shippedPolicy, type PolicyPlaces } from './shipped-policy.js';
