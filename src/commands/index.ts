export { archiveObject, type ArchivedResult, type ArchiveJob, type ArchiveJobOptions } from './archive-object.js';
export { cleanup, type CleanupFinding, type CleanupResult } from './cleanup.js';
export * from './doctor/index.js';
export { findArchive, type FindOptions, type FoundArchive, type FoundObject } from './find-archive.js';
export { migrate } from './migrate.js';
export type { MigrateDependencies, MigrateSettings } from './migrate-settings.js';
export { migrateSnapshot } from './migrate-snapshot.js';
export * from './open-archive.js';
export { planMigration, type PlannedSnapshot } from './plan-migration.js';
export { openRandomAccess, type RandomAccess } from './random-access.js';
export { openObject, type ObjectToRead, type OpenObject, type ReadDependencies } from './read-object.js';
export type { Selection } from './select-snapshots.js';
export type { RunResult } from './over-snapshots.js';
export { validate } from './validate.js';
export { validateAgainstIndex, type IndexDependencies } from './validate-against-index.js';
export type { ValidateSettings } from './validate-settings.js';
export type { ValidationState } from './validation-record.js';
export { restore } from './restore.js';
export type {
  ArchiveRequest,
  RestoreDestination,
  RestoreDependencies,
  RestoreSettings,
  ThawSettings,
  NewVolumeSettings,
} from './restore-settings.js';
export * from './costs/index.js';
export { measureCompression, type MeasuredCompression } from './measure-compression.js';
export { fetchReports, type FetchProgress, type FetchReportsOptions } from './fetch-reports.js';
export { archiveIndexes, type ArchiveIndex, type LookDependencies } from './archive-indexes.js';
export { diffArchives, type ArchiveDifference } from './diff-archives.js';
export { findEntries, type FindRequest } from './find-entries.js';
export { inspectArchive, type InspectedArchive } from './inspect-archive.js';
export { listArchives, type ListDependencies, type ListedArchive } from './list-archives.js';
export { listFolder, type ListFolderRequest, type ShownEntry } from './list-folder.js';
export { decryptionOf } from './validate.js';
