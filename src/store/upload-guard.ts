/**
 * Told what an upload makes before it makes it, so that somebody else can clean up after a crash; and asked before an
 * object comes into being. Each may refuse by throwing.
 */
export interface UploadGuard {
  /** Before a multipart upload to this key is begun. */
  beginning(key: string, before: BeforeUpload): Promise<void>;
  /** When its id is known, before any part is sent. */
  begun(key: string, uploadId: string): Promise<void>;
  /** When there is no upload to this key any more. */
  over(key: string): void;
  /** Before the object comes into being. */
  finishing(key: string): Promise<void>;
}

/** What tells an upload that is about to be begun from those of others. */
export interface BeforeUpload {
  /** The ids of those to the same key that are there already. */
  readonly others: readonly string[];
  /** What time it is, by S3's clock. */
  readonly sinceMs: number;
}
