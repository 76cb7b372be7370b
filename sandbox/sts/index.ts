export { operations } from './operations/index.js';
export { createStsService } from './service.js';
export type { IdentityProvider } from './web-identity-token.js';
