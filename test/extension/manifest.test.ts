/** package.json against the code: what is offered exists, and what exists is offered. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as z from "zod";

const Command = z.object({
  command: z.string(),
  title: z.string(),
  category: z.literal("Trainyard"),
  enablement: z.string(),
  icon: z.string().optional(),
});
const MenuItem = z.object({ command: z.string(), when: z.string().optional(), group: z.string().optional() });
const Manifest = z.object({
  icon: z.string(),
  activationEvents: z.array(z.string()),
  extensionKind: z.tuple([z.literal("workspace")]),
  engines: z.object({ vscode: z.literal("^1.95.0") }),
  capabilities: z.object({
    untrustedWorkspaces: z.object({ supported: z.literal("limited"), restrictedConfigurations: z.array(z.string()) }),
  }),
  contributes: z.object({
    commands: z.array(Command),
    menus: z.record(z.string(), z.array(MenuItem)),
    views: z.record(z.string(), z.array(z.object({ id: z.string() }))),
    viewsWelcome: z.array(z.object({ view: z.string(), contents: z.string() })),
    keybindings: z.array(z.object({ command: z.string() })),
    configuration: z.object({ properties: z.record(z.string(), z.object({ default: z.unknown(), markdownDescription: z.string() })) }),
    walkthroughs: z.array(z.object({ steps: z.array(z.object({ description: z.string(), media: z.object({ svg: z.string() }) })) })),
    yamlValidation: z.array(z.object({ url: z.string() })),
  }),
});

const manifest = Manifest.parse(JSON.parse(readFileSync("package.json", "utf8")));
const { contributes } = manifest;
const source = readFileSync("src/extension.ts", "utf8");
/** id → the flags of its line in the table. */
const table = new Map([...source.matchAll(/"(trainyard\.\w+)": \{ run:([^\n]*?needs: "\w+"[^}]*)\}/gs)].map((m) => [m[1]!, m[2]!]));
const contributed = contributes.commands.map((c) => c.command);

describe("the manifest", () => {
  it("offers exactly the commands of the table", () => {
    expect(table.size).toBeGreaterThan(20);
    expect([...contributed].sort()).toEqual([...table.keys()].sort());
  });

  it("enables what launches only in a trusted workspace, as the table says too", () => {
    for (const { command, enablement } of contributes.commands)
      expect([command, enablement.includes("isWorkspaceTrusted")]).toEqual([command, table.get(command)?.includes("trusted: true")]);
    expect(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations).toEqual(
      expect.arrayContaining(["trainyard.store", "trainyard.python"]),
    );
  });

  it("puts only known commands into menus, keys, welcome texts and the walkthrough", () => {
    const used = [
      ...Object.values(contributes.menus)
        .flat()
        .map((item) => item.command),
      ...contributes.keybindings.map((key) => key.command),
      ...[...JSON.stringify([contributes.viewsWelcome, contributes.walkthroughs]).matchAll(/\(command:(trainyard\.\w+)(?:\.focus)?/g)].map(
        (m) => m[1]!,
      ),
    ];
    const known = new Set([
      ...contributed,
      ...Object.values(contributes.views)
        .flat()
        .map((view) => view.id),
    ]);
    expect(used.filter((command) => !known.has(command))).toEqual([]);
    for (const item of Object.values(contributes.menus).flat()) expect(item.when).toBeTruthy();
  });

  it("has the pictures that it names", () => {
    const files = [manifest.icon, ...contributes.walkthroughs.flatMap((w) => w.steps.map((s) => s.media.svg))];
    for (const file of files) expect([file, existsSync(file)]).toEqual([file, true]);
    const png = readFileSync(manifest.icon);
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([128, 128]);
  });

  it("declares every setting that is read, and reads every setting that is declared", () => {
    const read = [...readFileSync("src/settings.ts", "utf8").matchAll(/configuration\.get\("(\w+)"/g)].map((m) => `trainyard.${m[1]!}`);
    expect(Object.keys(contributes.configuration.properties).sort()).toEqual(read.sort());
  });

  it("gives each walkthrough step an action", () => {
    for (const step of contributes.walkthroughs.flatMap((w) => w.steps)) expect(step.description).toMatch(/\(command:/);
  });
});
