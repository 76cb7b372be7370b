/**
 * Disposes a resource because of an error, and throws that error; when disposing fails as well, an AggregateError with
 * the first error in front. For resources that were made but cannot be handed out.
 */
export async function abandon(resource: AsyncDisposable, error: unknown): Promise<never> {
  try {
    await resource[Symbol.asyncDispose]();
  } catch (second) {
    throw new AggregateError([error, second], 'Cleaning up failed too', { cause: second });
  }
  throw error;
}
