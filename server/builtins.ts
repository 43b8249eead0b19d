/** What Node brings along and the server's rooms stand on. */

/** `test/arch/builtins.test.ts` holds these against what the rooms import. */
export const BUILTINS: readonly string[] = [
  ...["node:buffer", "node:child_process", "node:crypto", "node:events", "node:fs", "node:fs/promises", "node:http", "node:http2"],
  ...["node:https", "node:net", "node:os", "node:path", "node:perf_hooks", "node:querystring", "node:stream"],
  ...["node:timers/promises", "node:tls", "node:url", "node:util", "node:worker_threads", "node:zlib"],
];
/** Node loads these when they are first named, as the HTTP adapter does. */
const CLASSES = ["Request", "Response", "Headers"];

/**
 * Loads them, before the flags of V8 are set: Node carries its modules in compiled form, which counts only for the flags that it was made
 * with. What is loaded later is compiled from its source. By name: the bundler leaves out an import of which nothing is used.
 */
export async function loadBuiltins(): Promise<void> {
  for (const name of BUILTINS) await import(name);
  for (const name of CLASSES) Reflect.get(globalThis, name);
}
