export { operations } from './operations/index.js';
export { createStsService, type StsServiceOptions } from './service.js';
