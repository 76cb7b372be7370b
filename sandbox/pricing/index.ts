export { operations } from './operations/index.js';
export { createPricingService } from './service.js';
