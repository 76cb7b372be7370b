export { createS3Service, type S3ServiceOptions } from './service.js';
export { routes } from './routes/index.js';
