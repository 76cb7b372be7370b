import { finishSealed } from './seal.js';
import type { Lifecycle } from './lifecycle.js';
import { watchTimeout } from './timeout.js';

/** Takes up what the last run left: snapshots that are open or sealed. */
export async function resume(lifecycle: Lifecycle): Promise<void> {
  await forgetDeleted(lifecycle);
  for (const record of lifecycle.state.all()) {
    if (record.progress.kind === 'open') watchTimeout(record, lifecycle);
    if (record.progress.kind === 'sealed') finishSealed(record, lifecycle);
  }
}

/** Forgets snapshots that EC2 has deleted, and removes their files. */
export async function forgetDeleted({ files, snapshots, state }: Lifecycle): Promise<void> {
  const gone = state.all().filter(({ id }) => !snapshots.exists(id));
  for (const { id } of gone) state.remove(id);
  if (gone.length > 0) await state.save();
  await files.sweep((id) => !snapshots.exists(id));
}
