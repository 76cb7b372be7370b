export { createStsService, type StsServiceOptions } from './service.js';
