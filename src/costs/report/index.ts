export * from './read-report.js';
export * from './report-file.js';
export * from './report-format.js';
export * from './report-sources.js';
export * from './stored-reports.js';
export type { UnreadableLine } from './unreadable-lines.js';
