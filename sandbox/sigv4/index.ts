export { authentication, type AuthenticationOptions, type KnownKey } from './authentication.js';
