import type { Command } from "commander";
import type { EditProject, Project } from "../../protocol/queries.ts";
import { parseEnvironment, parseParams } from "../assignments.ts";
import { connectServer } from "../connect.ts";
import { factLines, formatTable, formatValue } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { collect, withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface SettingsOptions extends CommonOptions {
  readonly title?: string;
  readonly description?: string;
  readonly objective?: string;
  readonly taskType?: string;
  readonly baseModel?: string;
  readonly owner?: string;
  readonly tag: string[];
  readonly default: string[];
  readonly derive: string[];
  readonly archive?: true;
  readonly unarchive?: true;
}

const NAME = "name of the project: it is the project's id and its folder";

export function addProjectCommands(program: Command, context: CommandContext): void {
  const { terminal } = context;
  const project = program.command("project").description("projects: list, show, create, edit, history");
  withCommonOptions(project.command("list").description("list projects")).action(async (options: CommonOptions) => {
    const client = await connectServer(locateStore(options.store).dir);
    const { projects } = await client.call("listProjects");
    terminal.result(options.json, projects, () =>
      formatTable(
        ["NAME", "STATUS", "RUNS", "OWNER", "TITLE"],
        projects.map(({ name, status, run_count, owner, title }) => [name, status, String(run_count), owner, title]),
      ),
    );
  });
  withCommonOptions(project.command("show").description("show a project and its newest runs"))
    .argument("<name>", NAME)
    .action(async (name: string, options: CommonOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const found = await client.call("getProject", { params: { project: name } });
      const runs = found.runs.map((run) => [
        run.id,
        run.state,
        run.name,
        run.progress === null ? "" : `${Math.floor(run.progress * 100)}%`,
      ]);
      terminal.result(
        options.json,
        found,
        () => `${describeProject(found)}${runs.length === 0 ? "" : `\n\n${formatTable(["ID", "STATE", "NAME", "PROGRESS"], runs)}`}`,
      );
    });
  withSettings(project.command("create").description("create a project"))
    .argument("<name>", NAME)
    .action(async (name: string, options: SettingsOptions) => {
      const client = await connectServer(locateStore(options.store).dir, { create: true });
      const created = await client.call("createProject", { body: { name, ...settingsOf(options, { defaults: {}, derived: {} }) } });
      terminal.result(options.json, created, () => describeProject(created));
    });
  withSettings(project.command("edit").description("edit a project; each change is kept as a revision"))
    .option("--archive", "archive it")
    .option("--unarchive", "bring it back")
    .argument("<name>", NAME)
    .action(async (name: string, options: SettingsOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const before = await client.call("getProject", { params: { project: name } });
      const edited = await client.call("editProject", { params: { project: name }, body: settingsOf(options, before) });
      terminal.result(options.json, edited, () => describeProject(edited));
    });
  withCommonOptions(project.command("history").description("show what was changed, and when"))
    .argument("<name>", NAME)
    .action(async (name: string, options: CommonOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const { revisions } = await client.call("listProjectRevisions", { params: { project: name } });
      terminal.result(options.json, revisions, () =>
        formatTable(
          ["REVISION", "TIME", "CHANGED"],
          revisions.map(({ revision, time, changed }) => [String(revision), time, changed.join(", ")]),
        ),
      );
    });
}

function withSettings(command: Command): Command {
  return withCommonOptions(command)
    .option("--title <text>", "shown name")
    .option("--description <text>", "what it is about")
    .option("--objective <text>", "what it is for")
    .option("--task-type <text>", "summarization, classification, …")
    .option("--base-model <name>", "model that it starts from")
    .option("--owner <name>", "whose it is")
    .option("--tag <tag>", "may be repeated", collect, [])
    .option("--default <key=value>", "a param that the project's runs inherit; may be repeated; an empty value takes it out", collect, [])
    .option(
      "--derive <name=expression>",
      "a derived metric, 'gap=metrics.eval/loss - metrics.loss'; may be repeated; an empty one is taken out",
      collect,
      [],
    );
}

function settingsOf(options: SettingsOptions, before: Pick<Project, "defaults" | "derived">): EditProject {
  const { title, description, objective, taskType, baseModel, owner, tag, default: assignments, derive } = options;
  const merged = Object.entries({ ...before.defaults, ...parseParams(assignments) }).filter(([, value]) => value !== null);
  const derived = Object.entries({ ...before.derived, ...parseEnvironment(derive, "--derive") }).filter(([, text]) => text.trim() !== "");
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(objective === undefined ? {} : { objective }),
    ...(taskType === undefined ? {} : { task_type: taskType }),
    ...(baseModel === undefined ? {} : { base_model: baseModel }),
    ...(owner === undefined ? {} : { owner }),
    ...(tag.length === 0 ? {} : { tags: tag }),
    ...(assignments.length === 0 ? {} : { defaults: Object.fromEntries(merged) }),
    ...(derive.length === 0 ? {} : { derived: Object.fromEntries(derived) }),
    ...(options.archive === true ? { archived: true } : options.unarchive === true ? { archived: false } : {}),
  };
}

function describeProject(project: Project): string {
  const facts: [string, string][] = [
    ["title", project.title],
    ["status", project.status],
    ["description", project.description],
    ["objective", project.objective],
    ["task type", project.task_type],
    ["base model", project.base_model],
    ["owner", project.owner],
    ["tags", project.tags.join(", ")],
    [
      "defaults",
      Object.entries(project.defaults)
        .map(([key, value]) => `${key}=${formatValue(value)}`)
        .join(" "),
    ],
    [
      "derived",
      Object.entries(project.derived)
        .map(([key, text]) => `${key} = ${text}`)
        .join("; "),
    ],
    ["runs", String(project.run_count)],
    ["revision", String(project.revision)],
  ];
  return `${project.name}\n${factLines(facts, 12, "  ")}`;
}
