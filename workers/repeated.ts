/** One thing at a time, again and again while there is something to do. */

/** A function that starts `work` unless it is under way, and then once more; as long as `work` answers true it goes on. */
export function repeated(work: () => Promise<boolean>, onTrouble: (error: unknown) => void): () => void {
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    running = true;
    try {
      do {
        again = false;
        if (await work()) again = true;
      } while (again);
    } catch (error) {
      onTrouble(error);
    } finally {
      running = false;
    }
  };
  return () => {
    if (running) again = true;
    else void run();
  };
}
