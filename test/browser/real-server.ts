/** A real run server with the web applications as they ship, on a store with runs whose params and metrics a test knows. */
import { copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import type { JsonObject } from "../../protocol/json.ts";
import type { RunRecord } from "../../protocol/run.ts";
import type { PanelTarget } from "../../protocol/webview.ts";
import type { ServerOptions } from "../../server/main.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { LiveServer } from "../http/live-server.ts";
import { buildPackage, type PackageFixture } from "../launch/package-fixture.ts";
import { ROOT } from "../support/machine.ts";
import type { PanelHost } from "./panel.ts";

export interface KnownRun {
  readonly params: JsonObject;
  /** Logged as the metric's last value, after a first one twice as large. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly record?: Partial<RunRecord>;
}

export class RealServer {
  readonly live: LiveServer;
  readonly #package: PackageFixture;

  private constructor(live: LiveServer, fixture: PackageFixture) {
    this.live = live;
    this.#package = fixture;
  }

  /** @param views those that are shown in panels, beside the application in a plain browser */
  static async start(
    runs: readonly KnownRun[],
    options: Pick<ServerOptions, "python"> = {},
    views: readonly PanelTarget["view"][] = [],
  ): Promise<RealServer> {
    const fixture = await buildPackage();
    const webviews = path.join(fixture.root, "dist", "webviews");
    for (const name of ["node_modules", "package.json"]) await symlink(path.join(ROOT, name), path.join(fixture.root, name));
    await build({
      absWorkingDir: ROOT,
      entryPoints: Object.fromEntries(["app", "docs", ...views].map((view) => [view, `webviews/${view}/main.ts`])),
      outdir: webviews,
      bundle: true,
      splitting: true,
      format: "esm",
      target: "es2022",
      tsconfig: "webviews/tsconfig.json",
      logLevel: "error",
    });
    await mkdir(webviews, { recursive: true });
    await copyFile(path.join(ROOT, "webviews/app/index.html"), path.join(webviews, "index.html"));
    await copyFile(path.join(ROOT, "webviews/docs/index.html"), path.join(webviews, "docs.html"));
    for (const file of ["codicon.css", "codicon.ttf"])
      await copyFile(path.join(ROOT, "node_modules/@vscode/codicons/dist", file), path.join(webviews, file));
    const server = new RealServer(await LiveServer.folder(), fixture);
    for (const run of runs) await server.addRun(run);
    await server.live.start({ packageRoot: fixture.root, ...options });
    return server;
  }

  /** A run folder with its points, as a training leaves it; a server that is up finds it by itself. @returns its id */
  async addRun({ params, metrics, record }: KnownRun): Promise<string> {
    const { paths, record: written } = await this.live.addRun(record);
    const resolved = JSON.parse(await readFile(paths.resolvedJson, "utf8")) as object;
    await writeFile(paths.resolvedJson, JSON.stringify({ ...resolved, params }));
    await mkdir(paths.attempt(1).dir, { recursive: true });
    const file = await MetricFileWriter.open(paths.attempt(1).metrics);
    const start = Date.parse(written.created_at);
    for (const [step, factor] of [
      [1, 2],
      [2, 1],
    ] as const)
      await file.append(
        start + step * 1000,
        step,
        Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value * factor])),
      );
    await file.close();
    return written.id;
  }

  /** The next server: with another token, and at another address unless `port` is said. @param meanwhile while there is none */
  async restart({ port, meanwhile }: { readonly port?: number; readonly meanwhile?: () => Promise<void> } = {}): Promise<void> {
    await this.live.server.close();
    await meanwhile?.();
    await this.live.start({ packageRoot: this.#package.root, ...(port !== undefined && { port }) });
  }

  /** What a panel on this page is shown on. Its scripts come from elsewhere, as in an editor: they are there while the server is not. */
  async panelHost(page: Page): Promise<PanelHost> {
    const assets = "http://assets.test";
    const folder = path.join(this.#package.root, "dist", "webviews");
    await page.route(`${assets}/**`, (route) =>
      route.fulfill({
        path: path.join(folder, path.basename(new URL(route.request().url()).pathname)),
        headers: { "access-control-allow-origin": "*" },
      }),
    );
    return { assets, address: () => this.live.server };
  }

  /** @param fragment what the page shows: `explore=` */
  address(fragment: string): string {
    return `${this.live.server.url}/#token=${this.live.server.token}&${fragment}`;
  }

  async close(): Promise<void> {
    await this.live.remove();
    await this.#package.remove();
  }
}
