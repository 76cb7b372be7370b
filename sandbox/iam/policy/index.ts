export { requestContext, type RequestContext } from './context.js';
export { denialMessage, type Denial } from './denial.js';
export { evaluate, type Decision, type PolicySet, type PolicyType } from './evaluate.js';
export { MalformedPolicy } from './malformed.js';
export { parsePolicy, type Policy } from './policy.js';
