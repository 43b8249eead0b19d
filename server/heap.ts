/** How much garbage the server's process may hold. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const LITTLE = [
  /**
   * V8 lets a heap grow to several times of what is in use before it collects: an hour of live runs was 170 MB after each collection and up to
   * 235 MB before it. At half more than what is in use the collections, of some 30 MB, cost next to nothing.
   */
  "--heap-growing-percent=50",
  /**
   * What is read at a start lives on, and V8 takes that for a reason to let the young generation grow from 2 to 33 MB, which it keeps. The
   * largest size counts only when it is set before the heap is made; that it must not grow counts at once.
   */
  "--semi-space-growth-factor=1",
];
let held = false;

/**
 * To be called once Node's own modules are loaded (server/builtins.ts) and before anything large is: V8 then distrusts the compiled form of
 * those that are loaded later. A V8 without one of the flags says so on stderr and goes on.
 */
export function holdLittleGarbage(): void {
  setFlags();
  // Whenever a thread makes a heap of its own V8 sets the least factor for all of them to 2.
  if (!held) process.on("worker", (worker) => worker.once("online", setFlags));
  held = true;
}

function setFlags(): void {
  for (const flag of LITTLE) setFlagsFromString(flag);
}

/** The switch is set while the server runs: not every program that carries Node takes it on its command line. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  setFlagsFromString("--no-expose-gc");
}
