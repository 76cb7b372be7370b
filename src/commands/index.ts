export { migrate, type MigrateResult, type Selection } from './migrate.js';
export { migrateSnapshot, type MigrateDependencies, type MigrateSettings } from './migrate-snapshot.js';
