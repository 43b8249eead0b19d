/** Paths of the workspace that fields are offered: asked for once for each kind of field. */
import type { PathRule } from "../../protocol/webview.ts";
import type { Transport } from "../transport/transport.ts";

export class PathOffers {
  readonly #known = new Map<string, readonly string[]>();
  readonly #changed: () => void;

  /** @param changed called when paths came */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** What is known by now; asks when nothing is. */
  of(transport: Transport, rule: PathRule): readonly string[] {
    const key = JSON.stringify(rule);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, []);
    void transport.listPaths(rule).then((paths) => {
      this.#known.set(key, paths);
      this.#changed();
    });
    return [];
  }
}
