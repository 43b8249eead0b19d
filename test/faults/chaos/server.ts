/** The store's server as a user has it: started by the command line, killed at will, started again. */
import { rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type ApiClient } from "../../../protocol/client.ts";
import { Discovery } from "../../../protocol/discovery.ts";
import { builtCli } from "../../support/machine.ts";
import { isAlive, killQuietly, runProgram, until } from "../../support/processes.ts";

export class ServerLife {
  readonly #store: string;
  readonly #downtimesMs: readonly number[];
  readonly #killAgainAfter: ReadonlySet<number>;
  #discovery: Discovery | null = null;
  /** Settles when a server is there again. */
  #revival: Promise<void> | null = null;
  deaths = 0;
  starts = 0;
  /** Between two servers. */
  longestDowntimeMs = 0;

  constructor(store: string, downtimesMs: readonly number[], killAgainAfter: ReadonlySet<number>) {
    this.#store = store;
    this.#downtimesMs = downtimesMs;
    this.#killAgainAfter = killAgainAfter;
  }

  /** @throws Error with the output of `trainyard serve --ensure` when no server comes */
  async ensure(): Promise<void> {
    const done = await runProgram(process.execPath, [builtCli(), "serve", "--ensure", "--store", this.#store, "--json"], {
      timeoutMs: 60_000,
      env: { TRAINYARD_STORE: undefined, TRAINYARD_PYTHON: undefined },
    });
    if (done.code !== 0) throw new Error(`trainyard serve --ensure ended with ${String(done.code)}: ${done.stdout}\n${done.stderr}`);
    this.#discovery = Discovery.parse(JSON.parse(done.stdout));
    this.starts += 1;
  }

  /** kill -9 now; another one comes after the downtime. False when it is dead already. */
  kill(): boolean {
    const found = this.#discovery;
    if (found === null || !isAlive(found.process.pid)) return false;
    killQuietly(found.process.pid);
    this.#discovery = null;
    this.deaths += 1;
    this.#revival = this.#revive(this.deaths);
    return true;
  }

  async #revive(death: number): Promise<void> {
    const died = Date.now();
    await sleep(this.#downtimesMs[(death - 1) % this.#downtimesMs.length] ?? 0);
    await this.ensure();
    this.longestDowntimeMs = Math.max(this.longestDowntimeMs, Date.now() - died);
    if (!this.#killAgainAfter.has(death)) return;
    const again = this.#discovery?.process.pid;
    if (again === undefined) return;
    killQuietly(again);
    this.deaths += 1;
    await this.ensure();
  }

  /** Waits until a server that was killed is back. */
  async settled(): Promise<void> {
    while (this.#revival !== null) {
      const waited = this.#revival;
      await waited;
      if (this.#revival === waited) this.#revival = null;
    }
  }

  /** A client of the server that is there now. @throws Error while there is none */
  client(): ApiClient {
    if (this.#discovery === null) throw new Error("no server is there now");
    return createClient({ ...this.#discovery, timeoutMs: 20_000 });
  }

  /** The one that lives is killed, and a new one reads everything from the folders. */
  async fresh(loseCatalogue: boolean): Promise<void> {
    await this.settled();
    await this.end("SIGKILL");
    if (loseCatalogue) await rm(path.join(this.#store, ".server", "catalog.sqlite"), { force: true });
    await this.ensure();
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const pid = this.#discovery?.process.pid;
    this.#discovery = null;
    if (pid === undefined) return;
    killQuietly(pid, signal);
    await until("the server's end", () => Promise.resolve(!isAlive(pid)), 20_000, 20);
  }
}
