import { statfs } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { counted } from "../../protocol/counted.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { findServer } from "../../server/discovery/discovery.ts";
import { findPackageRoot } from "../../server/package-root.ts";
import { Recipes } from "../../server/recipes/recipes.ts";
import { missingPackages } from "../../server/recipes/resolve.ts";
import { openStore } from "../../server/store/store.ts";
import { findExecutable } from "../executables.ts";
import { EXIT } from "../exit-codes.ts";
import { formatBytes, formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { machineFindings, type Finding } from "../machine-findings.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

const LOW_DISK_BYTES = 5 * 1024 ** 3;

export function addDoctorCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("doctor").description("what is missing on this machine, and how to get it; starts nothing"))
    .option("--python <path>", "look at this interpreter (default: $TRAINYARD_PYTHON, then python on the PATH)")
    .action(async (options: CommonOptions & { readonly python?: string }) => {
      const { dir, workspace } = locateStore(options.store);
      const findings = [
        { what: "node", status: "ok" as const, found: process.version, advice: null },
        ...(await storeFindings(dir)),
        ...(await pythonFindings(options.python ?? process.env["TRAINYARD_PYTHON"], workspace)),
        programFinding("git", "The commit and the changes of a run are not recorded without it: install git."),
        ...(await machineFindings(dir)),
        programFinding("nvidia-smi", "No NVIDIA GPU is seen; training runs on the CPU. With a GPU, install its driver."),
      ];
      context.terminal.result(options.json, findings, () =>
        formatTable(
          ["", "STATUS", "FOUND", "TO DO"],
          findings.map(({ what, status, found, advice }) => [what, status, found, advice ?? ""]),
        ),
      );
      if (findings.some((finding) => finding.status === "bad")) context.exitCode = EXIT.unavailable;
    });
}

function programFinding(name: string, advice: string): Finding {
  const found = findExecutable(name, process.cwd(), process.env["PATH"]);
  return found === null ? { what: name, status: "missing", found: "", advice } : { what: name, status: "ok", found, advice: null };
}

async function storeFindings(dir: string): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    const store = await openStore(dir, { create: false });
    const { runs, damaged } = await store.scan();
    store.close();
    const advice = store.readOnly ? "Runs can be looked at but not started: choose a store on a writable disk." : null;
    findings.push({ what: "store", status: store.readOnly ? "missing" : "ok", found: `${dir}, ${counted(runs.length, "run")}`, advice });
    if (damaged.length > 0) {
      const problem = damaged[0]?.problem.message ?? "";
      findings.push({
        what: "damaged runs",
        status: "missing",
        found: String(damaged.length),
        advice: `${problem}: repair the file or move the folder away.`,
      });
    }
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    const absent = error.code === "not_found";
    findings.push({ what: "store", status: absent ? "missing" : "bad", found: error.message, advice: error.hint });
  }
  const disk = await statfs(dir).catch(() => statfs(path.dirname(dir)).catch(() => null));
  if (disk !== null) {
    const free = disk.bavail * disk.bsize;
    const low = free < LOW_DISK_BYTES;
    findings.push({
      what: "disk",
      status: low ? "missing" : "ok",
      found: `${formatBytes(free)} free`,
      advice: low ? "Free some space: trainyard clean --keep 20 shows old runs." : null,
    });
  }
  const server = await findServer(dir);
  findings.push({
    what: "server",
    status: "ok",
    found: server === null ? "none; the next command starts one" : `${server.url}, version ${server.version}`,
    advice: null,
  });
  return findings;
}

async function pythonFindings(python: string | undefined, workspace: string): Promise<Finding[]> {
  try {
    const { environment, recipes, problems } = await new Recipes({ packageRoot: findPackageRoot() }).catalogue(python, workspace, true);
    const found = `${environment.executable} (${environment.version})`;
    return [
      { what: "python", status: "ok", found, advice: null },
      ...recipes.map((recipe): Finding => {
        const missing = missingPackages(recipe, environment.packages);
        const what = `recipe ${recipe.id}`;
        if (missing.length === 0) return { what, status: "ok", found: recipe.requires.join(", "), advice: null };
        return {
          what,
          status: "missing",
          found: `lacks ${missing.join(", ")}`,
          advice: `${environment.executable} -m pip install ${missing.join(" ")}`,
        };
      }),
      ...problems.map((problem): Finding => ({ what: "recipe", status: "missing", found: problem.message, advice: problem.hint })),
    ];
  } catch (error) {
    if (!(error instanceof TrainyardError)) throw error;
    return [{ what: "python", status: "missing", found: error.message, advice: error.hint }];
  }
}
