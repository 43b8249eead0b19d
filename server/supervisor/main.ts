/** `supervisor <attempt folder>`: started detached by the server, ends when its attempt has ended and exit.json is written. */
import { Supervisor } from "./supervisor.ts";

const attemptDir = process.argv[2];
if (attemptDir === undefined) {
  process.stderr.write("usage: supervisor <attempt folder>\n");
  process.exitCode = 2;
} else {
  const supervisor = new Supervisor(attemptDir);
  // A closed terminal, a logout or a stray `kill` ends viewers, not training. The way to end a run is stop.json.
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const)
    process.on(signal, () => {
      supervisor.note(`${signal} ignored: the run is stopped through stop.json`);
    });
  process.on("uncaughtException", (error) => {
    supervisor.note(error.stack ?? error.message);
  });
  supervisor.run().catch((error: unknown) => {
    supervisor.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 1;
  });
}
