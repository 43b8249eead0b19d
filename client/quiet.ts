/** Nothing of ours may end the caller's work: what goes wrong is said once on stderr, and the work goes on. */

const said = new Set<string>();

export function warnOnce(text: string): void {
  if (said.has(text) || said.size >= 100) return;
  said.add(text);
  try {
    process.stderr.write(`trainyard: ${text}\n`);
  } catch {
    // A closed stderr is no reason to end a training.
  }
}

/** @returns what `work` does, or `otherwise` when it throws */
export function quietly<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch (error) {
    warnOnce(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    return otherwise;
  }
}
