import { execFileSync } from "node:child_process";
import { Command } from "commander";
import fc from "fast-check";
import { expect, it } from "vitest";
import { beyond } from "../../cli/commands/clean.ts";
import { completionScript } from "../../cli/commands/completion.ts";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { summaries } from "../catalog/summaries.ts";

it("cleans nothing but ended, unstarred runs behind the newest of their project", () => {
  fc.assert(
    fc.property(summaries, fc.nat(4), (runs, keep) => {
      const gone = new Set(beyond(runs, keep).map((run) => run.id));
      for (const run of runs) {
        const newer = runs.filter(
          (other) => other.project === run.project && FINAL_STATES.has(other.state) && other.created_at > run.created_at,
        );
        expect(gone.has(run.id)).toBe(FINAL_STATES.has(run.state) && !run.starred && newer.length >= keep);
      }
    }),
  );
});

it("completes commands, their subcommands and options in a real bash", () => {
  const program = new Command("trainyard");
  program.command("export").option("-o, --output <file>").option("--json");
  program.command("project").command("create").option("--owner <name>");
  const complete = (...words: string[]): string[] => {
    const script = `${completionScript(program, "bash")}\nCOMP_WORDS=(trainyard ${words.join(" ")}); COMP_CWORD=${words.length}; _trainyard; echo "\${COMPREPLY[*]}"`;
    return execFileSync("bash", ["-c", script], { encoding: "utf8" }).trim().split(" ");
  };
  expect(complete("ex")).toEqual(["export"]);
  expect(complete("export", "--")).toEqual(["--output", "--json", "--help"]);
  expect(complete("project", "cr")).toEqual(["create"]);
  expect(complete("project", "--o")).toEqual(["--owner"]);
});
