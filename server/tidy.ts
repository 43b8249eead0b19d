/**
 * The garbage of a server that has become idle. V8 collects when memory is asked for, and an idle server asks for none: what its start and its
 * last visitor left, up to 30 MB, would stay until the next one comes.
 */

const QUIET_MS = 40_000;
const LOOK_MS = 10_000;
/** The first finds what is garbage, the second gives its pages back. */
const ROUNDS = 2;

/** @returns what ends the watch */
export function tidyWhenIdle(isBusy: () => boolean, lastRequest: () => number, collect = collectGarbage): () => void {
  let lastBusy = Date.now();
  let tidied = 0;
  const timer = setInterval(() => {
    if (isBusy()) lastBusy = Date.now();
    if (Date.now() - Math.max(lastBusy, lastRequest()) < QUIET_MS) tidied = 0;
    else if (tidied++ < ROUNDS) void collect();
  }, LOOK_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** The switch is set while the server runs: not every program that carries Node takes it on its command line. */
export async function collectGarbage(): Promise<void> {
  const [{ setFlagsFromString }, { runInNewContext }] = await Promise.all([import("node:v8"), import("node:vm")]);
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  setFlagsFromString("--no-expose-gc");
}
