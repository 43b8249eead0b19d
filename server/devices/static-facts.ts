/**
 * What does not change while the machine is up. Asked once and only when needed: systeminformation is large, starts child processes and
 * takes a fifth of a second, so it never serves for samples.
 */
let adapters: Promise<readonly string[]> | null = null;

/** Names of the display adapters that are no NVIDIA ones (nvidia-smi names those). Empty where the system names none. */
export async function otherAdapters(): Promise<readonly string[]> {
  adapters ??= import("systeminformation")
    .then(({ graphics }) => graphics())
    .then(({ controllers }) => controllers.map(({ model }) => model.trim()).filter((model) => model !== "" && !/nvidia/i.test(model)))
    .catch(() => []);
  return adapters;
}
