/** How much garbage the server's process may hold. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * V8 lets a heap grow to several times of what is in use before it collects: an hour of live runs was 170 MB after each collection and up to
 * 235 MB before it. At half more than what is in use the collections, of some 30 MB, cost next to nothing. A V8 without the flag says so on
 * stderr and goes on. To be called once the code is loaded: V8 then distrusts the compiled form of Node's own modules, which lies in the
 * program, and compiles each that is loaded later from its source.
 */
export function holdLittleGarbage(): void {
  setFlagsFromString("--heap-growing-percent=50");
}

/** The switch is set while the server runs: not every program that carries Node takes it on its command line. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  setFlagsFromString("--no-expose-gc");
}
