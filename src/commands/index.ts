export { archiveObject, type ArchivedResult, type ArchiveJob, type ArchiveJobOptions } from './archive-object.js';
export { cleanup, type CleanupFinding, type CleanupResult } from './cleanup.js';
export * from './doctor/index.js';
export { migrate, type MigrateResult } from './migrate.js';
export type { MigrateDependencies, MigrateSettings } from './migrate-settings.js';
export { migrateSnapshot } from './migrate-snapshot.js';
export { planMigration, type PlannedSnapshot } from './plan-migration.js';
export type { Selection } from './select-snapshots.js';
