export { administrator, type AccessKey } from './administrator.js';
