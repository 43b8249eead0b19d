/** The recipes as the chosen interpreter describes them, asked once per interpreter. */
import { statSync } from "node:fs";
import { RecipeCatalogue } from "../../protocol/recipe.ts";
import { askRecipes } from "./python-module.ts";

/** Recipes of the user's own and installed packages change under us: an answer is not kept for ever. */
const KEEP_MS = 60_000;
/** One that lacks fields which are still being read is kept for the questions of the same moment only. */
const KEEP_INCOMPLETE_MS = 2_000;

interface Answer {
  readonly key: string;
  readonly at: number;
  keepMs: number;
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
  async describe(python: string, workspace: string, refresh = false): Promise<RecipeCatalogue> {
    const place = `${python}\0${workspace}`;
    const key = signature(python);
    const known = this.#answers.get(place);
    if (!refresh && known?.key === key && Date.now() - known.at < known.keepMs) return known.catalogue;
    const catalogue = this.#ask(python, workspace);
    const answer: Answer = { key, at: Date.now(), keepMs: KEEP_MS, catalogue };
    this.#answers.set(place, answer);
    catalogue.then(
      ({ complete }) => {
        if (!complete) answer.keepMs = KEEP_INCOMPLETE_MS;
      },
      // A failure is not remembered; whoever awaits it still sees it.
      () => {
        if (this.#answers.get(place) === answer) this.#answers.delete(place);
      },
    );
    return catalogue;
  }

  async #ask(python: string, workspace: string): Promise<RecipeCatalogue> {
    const args = ["describe", "--workspace", workspace];
    return askRecipes({ python, packageRoot: this.#packageRoot, args, cwd: workspace }, RecipeCatalogue);
  }
}

/** Changes when the interpreter is replaced. */
function signature(python: string): string {
  const stat = statSync(python, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}
