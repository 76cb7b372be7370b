/** Told what an upload is about to make, so that somebody else can clean up after a crash; each may refuse by throwing. */
export interface UploadGuard {
  /** Before a multipart upload to this key is begun. */
  beginning(key: string): Promise<void>;
  /** When its id is known, before any part is sent. */
  begun(key: string, uploadId: string): Promise<void>;
  /** Before the object comes into being. */
  finishing(key: string): Promise<void>;
}
