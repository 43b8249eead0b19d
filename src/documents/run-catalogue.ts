/** What the chosen interpreter can train, asked for once and again when the interpreter changes. */
import * as vscode from "vscode";
import type { RecipeCatalogue } from "../../protocol/recipe.ts";
import { Emitter, type Disposable } from "../emitter.ts";
import type { PythonInterpreter } from "../python/interpreter.ts";
import type { ServerConnection } from "../server/connection.ts";

const PATIENCE_MS = 60_000;

export class RunCatalogue implements Disposable {
  readonly #connection: ServerConnection;
  readonly #python: PythonInterpreter;
  readonly #changed = new Emitter<null>();
  /** Another interpreter, or an answer of one. */
  readonly onChange = this.#changed.event;
  readonly #watch: Disposable[];
  #asked: Promise<RecipeCatalogue> | null = null;
  #known: RecipeCatalogue | null = null;

  constructor(connection: ServerConnection, python: PythonInterpreter) {
    this.#connection = connection;
    this.#python = python;
    this.#watch = [
      python.onChange(() => {
        this.#asked = null;
        this.#known = null;
        this.#changed.fire(null);
      }),
    ];
  }

  /** What is known without asking anybody. */
  get known(): RecipeCatalogue | null {
    return this.#known;
  }

  /** Asks; starts the run server when there is none. @throws TrainyardError */
  async ask(): Promise<RecipeCatalogue | null> {
    if (!vscode.workspace.isTrusted) return null;
    this.#asked ??= this.#fetch();
    const asked = this.#asked;
    try {
      return await asked;
    } catch (error) {
      // The next one who asks tries again.
      if (this.#asked === asked) this.#asked = null;
      throw error;
    }
  }

  dispose(): void {
    for (const each of this.#watch) each.dispose();
    this.#changed.dispose();
  }

  async #fetch(): Promise<RecipeCatalogue> {
    const python = (await this.#python.current()).path;
    const api = await this.#connection.api();
    const catalogue = await api.call("listRecipes", { query: { python }, timeoutMs: PATIENCE_MS });
    this.#known = catalogue;
    this.#changed.fire(null);
    return catalogue;
  }
}
