/** How much memory V8 may take for itself in the server's process. */
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

/**
 * V8 compiles WebAssembly that is called often a second time. For SQLite's interpreter loop that takes 29 MB on a thread of V8's own, of which
 * the C library keeps up to 10, and makes nothing quicker that anybody asks for. To be called before the module is compiled.
 */
export function compileWasmOnce(): void {
  setFlagsFromString("--no-wasm-tier-up");
  setFlagsFromString("--no-wasm-dynamic-tiering");
}

/** The switch is set while the server runs: not every program that carries Node takes it on its command line. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  setFlagsFromString("--no-expose-gc");
}
