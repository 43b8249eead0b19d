import { InvalidArgumentError, type Command } from "commander";
import { TrainyardError } from "../../protocol/errors.ts";
import { NoticeKind, type Webhook } from "../../protocol/notices.ts";
import { connectServer } from "../connect.ts";
import { formatTable } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface LimitOptions extends CommonOptions {
  readonly stalledMinutes?: number;
  readonly diskFreeGb?: number;
  readonly gpuCelsius?: number;
  readonly gpuMemoryPercent?: number;
}

interface AddOptions extends CommonOptions {
  readonly kind: NoticeKind[];
  readonly project?: string;
  readonly secretEnv?: string;
}

export function addNotifyCommands(program: Command, context: CommandContext): void {
  const { terminal } = context;
  const notify = program.command("notify").description("notices about runs: list them, when they are given, webhooks");
  withCommonOptions(notify.command("list").description("what was told, the newest first")).action(async (options: CommonOptions) => {
    const { notices } = await (await connectServer(locateStore(options.store).dir)).call("listNotices");
    terminal.result(options.json, notices, () =>
      notices.length === 0
        ? "No notices."
        : formatTable(
            ["TIME", "KIND", "MESSAGE"],
            notices.map(({ time, kind, message }) => [time, kind, message]),
          ),
    );
  });
  withCommonOptions(notify.command("settings").description("show or change when notices are given"))
    .option("--stalled-minutes <minutes>", "tell of a run that logs nothing for so long", number)
    .option("--disk-free-gb <gigabytes>", "tell of less free space on the store's disk", number)
    .option("--gpu-celsius <degrees>", "tell of a GPU that is as hot", number)
    .option("--gpu-memory-percent <percent>", "tell of a GPU with so much of its memory in use", number)
    .action(async ({ stalledMinutes, diskFreeGb, gpuCelsius, gpuMemoryPercent, ...options }: LimitOptions) => {
      const client = await connectServer(locateStore(options.store).dir, { create: true });
      const body = {
        ...(stalledMinutes !== undefined && { stalled_minutes: stalledMinutes }),
        ...(diskFreeGb !== undefined && { disk_free_gb: diskFreeGb }),
        ...(gpuCelsius !== undefined && { gpu_celsius: gpuCelsius }),
        ...(gpuMemoryPercent !== undefined && { gpu_memory_percent: gpuMemoryPercent }),
      };
      const settings =
        Object.keys(body).length === 0 ? await client.call("getNotifySettings") : await client.call("editNotifySettings", { body });
      const { stalled_minutes, disk_free_gb, gpu_celsius, gpu_memory_percent } = settings;
      const limits = `stalled after ${stalled_minutes} min, disk below ${disk_free_gb} GiB, GPU at ${gpu_celsius} °C or with ${gpu_memory_percent} % of its memory in use`;
      terminal.result(options.json, settings, () => [limits, ...settings.webhooks.map(describe)].join("\n"));
    });
  withCommonOptions(notify.command("add").description("send notices to an address"))
    .argument("<url>", "http or https; it gets a POST with JSON")
    .option(
      "--kind <kind>",
      `${NoticeKind.options.join(", ")}; may be given several times (default: all)`,
      (text: string, earlier: readonly NoticeKind[]) => [...earlier, kindOf(text)],
      [],
    )
    .option("--project <name>", "runs of this project alone")
    .option("--secret-env <name>", "variable that holds the secret which signs them")
    .action(async (url: string, { kind, project, secretEnv, ...options }: AddOptions) => {
      const client = await connectServer(locateStore(options.store).dir, { create: true });
      const secret = secretEnv === undefined ? undefined : process.env[secretEnv];
      if (secretEnv !== undefined && secret === undefined)
        throw new TrainyardError("bad_request", `the variable ${secretEnv} is not set`, `Set it: export ${secretEnv}=…`);
      const body = {
        url,
        ...(kind.length > 0 && { kinds: kind }),
        ...(project !== undefined && { project }),
        ...(secret !== undefined && { secret }),
      };
      const added = await client.call("addWebhook", { body });
      terminal.result(options.json, added, () => describe(added));
    });
  withCommonOptions(notify.command("remove").description("send nothing more to an address"))
    .argument("<webhook>", "its id")
    .action(async (webhook: string, options: CommonOptions) => {
      const done = await (await connectServer(locateStore(options.store).dir)).call("removeWebhook", { params: { webhook } });
      terminal.result(options.json, done, () => "Removed.");
    });
  withCommonOptions(notify.command("test").description("send a test to an address, and say what it answered"))
    .argument("<webhook>", "its id")
    .action(async (webhook: string, options: CommonOptions) => {
      const delivery = await (await connectServer(locateStore(options.store).dir)).call("testWebhook", { params: { webhook } });
      terminal.result(options.json, delivery, () =>
        delivery.problem === null ? "It has taken the test." : `It did not: ${delivery.problem}.`,
      );
    });
}

function describe({ id, url, kinds, signed, waiting, last }: Webhook): string {
  const state = last === null ? "" : last.problem === null ? ", took the last one" : `, ${last.problem}`;
  return `${id}  ${url}  ${kinds.join(",")}${signed ? ", signed" : ""}${waiting > 0 ? `, ${waiting} waiting` : ""}${state}`;
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("a number is needed");
  return value;
}

function kindOf(text: string): NoticeKind {
  const kind = NoticeKind.safeParse(text);
  if (!kind.success) throw new InvalidArgumentError(`one of ${NoticeKind.options.join(", ")} is needed`);
  return kind.data;
}
