/** Calls what a user handed in and gives its failure, thrown or rejected, to `failed`; nothing leaves it. */
export function guardedCall(call: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = call();
    // An async function where a plain one was meant: its rejection would end the process.
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
