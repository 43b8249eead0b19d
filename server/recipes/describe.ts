/** The recipes as the chosen interpreter describes them, asked once per interpreter. */
import { statSync } from "node:fs";
import { RecipeCatalogue } from "../../protocol/recipe.ts";
import { unusable } from "./interpreter.ts";
import { callRecipes } from "./python-module.ts";

/** Recipes of the user's own and installed packages change under us: an answer is not kept for ever. */
const KEEP_MS = 60_000;

interface Answer {
  readonly key: string;
  readonly at: number;
  readonly catalogue: Promise<RecipeCatalogue>;
}

export class RecipeDescriber {
  readonly #packageRoot: string;
  readonly #answers = new Map<string, Answer>();

  constructor(packageRoot: string) {
    this.#packageRoot = packageRoot;
  }

  /**
   * @param python absolute path of the interpreter
   * @param workspace folder in which the user's own recipes are looked for
   * @param refresh ask again even if the answer is fresh (a package was installed since)
   * @throws TrainyardError python_unusable | timeout
   */
  describe(python: string, workspace: string, refresh = false): Promise<RecipeCatalogue> {
    const place = `${python}\0${workspace}`;
    const key = signature(python);
    const known = this.#answers.get(place);
    if (!refresh && known?.key === key && Date.now() - known.at < KEEP_MS) return known.catalogue;
    const catalogue = this.#ask(python, workspace);
    this.#answers.set(place, { key, at: Date.now(), catalogue });
    // A failure is not remembered; whoever awaits it still sees it.
    catalogue.catch(() => {
      if (this.#answers.get(place)?.catalogue === catalogue) this.#answers.delete(place);
    });
    return catalogue;
  }

  async #ask(python: string, workspace: string): Promise<RecipeCatalogue> {
    const text = await callRecipes({
      python,
      packageRoot: this.#packageRoot,
      args: ["describe", "--workspace", workspace],
      cwd: workspace,
    });
    let value: unknown;
    try {
      // A user's own recipe or a sitecustomize may print: the document is the last line that begins one.
      value = JSON.parse(text.slice(Math.max(0, text.startsWith("{") ? 0 : text.lastIndexOf("\n{") + 1)));
    } catch (error) {
      throw unusable(
        `${python} described its recipes with something that is not JSON: ${error instanceof Error ? error.message : String(error)}`,
        "Does the environment print at start (sitecustomize, .pth files)?",
      );
    }
    const parsed = RecipeCatalogue.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw unusable(
        `${python} described its recipes in another shape: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`,
        "Is another version of the package trainyard installed there? Upgrade or remove it.",
      );
    }
    return parsed.data;
  }
}

/** Changes when the interpreter is replaced. */
function signature(python: string): string {
  const stat = statSync(python, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}
