/** What is done once a server has been idle for a while. */

/**
 * Looks every `everyMs` for how long the server has been idle: nothing lives, and nobody asked.
 * @returns what ends the watch
 */
function watchIdle(everyMs: number, isBusy: () => boolean, lastRequest: () => number, look: (idleMs: number) => void): () => void {
  let lastBusy = Date.now();
  const timer = setInterval(() => {
    if (isBusy()) lastBusy = Date.now();
    look(Date.now() - Math.max(lastBusy, lastRequest()));
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** @returns what ends the watch */
export function exitWhenIdle(seconds: number, isBusy: () => boolean, lastRequest: () => number, exit: () => void): () => void {
  return watchIdle(Math.max(100, Math.min(5_000, seconds * 250)), isBusy, lastRequest, (idleMs) => {
    if (idleMs >= seconds * 1000) exit();
  });
}

const QUIET_MS = 40_000;
const LOOK_MS = 10_000;
/** The first finds what is garbage, the second gives its pages back. */
const ROUNDS = 2;

/**
 * The garbage of a server that has become idle. V8 collects when memory is asked for, and an idle server asks for none: what its start and its
 * last visitor left, up to 30 MB, would stay until the next one comes.
 * @returns what ends the watch
 */
export function tidyWhenIdle(isBusy: () => boolean, lastRequest: () => number, collect: () => void): () => void {
  let tidied = 0;
  return watchIdle(LOOK_MS, isBusy, lastRequest, (idleMs) => {
    if (idleMs < QUIET_MS) tidied = 0;
    else if (tidied++ < ROUNDS) collect();
  });
}
