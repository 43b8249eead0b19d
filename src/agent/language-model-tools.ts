/** The tools of protocol/agent for the editor's own agents. What they are stands in the manifest; what they do is loaded with the first use. */
import * as vscode from "vscode";
import type { AgentContext, AgentTool } from "../../protocol/agent/tool.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { errorText } from "../error-text.ts";
import type { Host } from "../host.ts";
import { untrusted } from "../panels/requests.ts";
import { readSettings } from "../settings.ts";

const PREFIX = "trainyard_";
const MAX_CONFIRMED = 100;

/** @param names of the tools as the manifest declares them */
export function registerLanguageModelTools(host: Host, names: readonly string[]): vscode.Disposable[] {
  return names.map((name) => vscode.lm.registerTool(name, new EditorTool(host, name.slice(PREFIX.length))));
}

class EditorTool implements vscode.LanguageModelTool<object> {
  /** What the user was asked about: input → command. An action goes ahead with that command or not at all. */
  readonly #asked = new Map<string, string>();

  constructor(
    private readonly host: Host,
    private readonly name: string,
  ) {}

  async prepareInvocation({ input }: vscode.LanguageModelToolInvocationPrepareOptions<object>): Promise<vscode.PreparedToolInvocation> {
    const tool = await this.#tool();
    if (tool.kind === "read") return { invocationMessage: tool.title };
    const plan = await tool.plan(await this.#context(tool), input).catch((error: unknown) => {
      throw new Error(errorText(error));
    });
    if (this.#asked.size >= MAX_CONFIRMED) this.#asked.clear();
    this.#asked.set(JSON.stringify(input), plan.command);
    const message = new vscode.MarkdownString().appendCodeblock(plan.command, "shellscript").appendCodeblock(plan.details, "text");
    return { invocationMessage: tool.title, confirmationMessages: { title: plan.title, message } };
  }

  async invoke({ input }: vscode.LanguageModelToolInvocationOptions<object>): Promise<vscode.LanguageModelToolResult> {
    const { dataText } = await import("../../protocol/agent/data.ts");
    const answer = (value: unknown): vscode.LanguageModelToolResult =>
      new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(dataText(value))]);
    try {
      const tool = await this.#tool();
      const context = await this.#context(tool);
      if (tool.kind === "read") return answer(await tool.read(context, input));
      const key = JSON.stringify(input);
      const command = this.#asked.get(key);
      this.#asked.delete(key);
      if (command === undefined) throw new TrainyardError("conflict", "the user was not asked about this", "Call the tool again.");
      return answer(await tool.act(context, input, command));
    } catch (error) {
      // The model can do something about a typed error; anything else is told by the editor.
      if (error instanceof TrainyardError) return answer(error.toApi());
      throw error;
    }
  }

  async #tool(): Promise<AgentTool> {
    const { AGENT_TOOLS } = await import("../../protocol/agent/tools.ts");
    const tool = AGENT_TOOLS.find(({ name }) => name === this.name);
    if (tool === undefined) throw new Error(`there is no tool ${this.name}`);
    return tool;
  }

  /** @throws TrainyardError forbidden where a tool would launch something of a workspace that is not trusted */
  async #context(tool: AgentTool): Promise<AgentContext> {
    const { connection, python } = this.host;
    const trusted = vscode.workspace.isTrusted;
    if (tool.name === "start_run" && !trusted) throw untrusted();
    return {
      api: await connection.api(),
      baseDir: readSettings()?.baseDir ?? null,
      python: trusted ? (await python.current()).path : null,
    };
  }
}
