/** The tables behind the tabs Events, Config and Environment. */
import { css, html, nothing, type TemplateResult } from "lit";
import type { RunEvent } from "../../protocol/events.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { formatBytes, formatClock, formatCommit, formatInteger, formatJson, formatWhen, UNKNOWN } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { stateIcon, stateLabel } from "../components/state-icon.ts";

export function eventsTab(events: readonly RunEvent[]): TemplateResult {
  if (events.length === 0) return html`<div class="none secondary">Nothing has happened yet</div>`;
  return html`<ol class="events" aria-label="Events" data-testid="events">
    ${[...events]
      .reverse()
      .map(
        (event) => html`<li><time class="mono secondary" title=${event.time}>${formatWhen(event.time)}</time>${describeEvent(event)}</li>`,
      )}
  </ol>`;
}

function describeEvent(event: RunEvent): TemplateResult {
  switch (event.type) {
    case "state": {
      const evidence = Object.entries(event.evidence).flatMap(([key, value]) => evidenceText(key, value));
      return html`${stateIcon(event.to)}<span
          >${stateLabel(event.to)}<span class="secondary">
            ·
            ${event.cause}${event.attempt > 0 ? ` · attempt ${String(event.attempt)}` : ""}${evidence.length === 0 ? "" : ` · ${evidence.join(", ")}`}</span
          ></span
        >`;
    }
    case "checkpoint":
      return html`${icon("bookmark")}<span>${event.name} <span class="secondary">saved at step ${formatInteger(event.step)}</span></span>`;
    case "edit":
      return html`${icon("edit")}<span>Edited <span class="secondary">${Object.keys(event.changes).join(", ")}</span></span>`;
    case "message":
      return html`${icon(event.level === "info" ? "info" : event.level)}<span>${event.text}</span>`;
  }
}

/** Identities that only the server compares; people know a process by its pid. */
const NOT_FOR_PEOPLE: ReadonlySet<string> = new Set(["start_time", "boot_id"]);

/** What did not happen (null, false, "none") says nothing in a list of what did. */
function evidenceText(key: string, value: JsonValue): string[] {
  if (value === null || value === false || value === "none" || NOT_FOR_PEOPLE.has(key)) return [];
  const name = key.replaceAll("_", " ");
  if (value === true) return [name];
  if (key === "command" && Array.isArray(value)) return [value.map((part) => quote(formatJson(part))).join(" ")];
  return [`${name} ${formatJson(value)}`];
}

export function configTab(run: RunDetail): TemplateResult {
  const resolved = run.resolved as { params?: JsonObject; sources?: Record<string, string> } | null;
  const params = { ...(resolved?.params ?? {}), ...run.params };
  const names = Object.keys(params).sort();
  const attempt = run.attempts.at(-1);
  return html`<div class="sheet" data-testid="config">
    ${attempt === undefined ? nothing : html`<div class="mono command"><span class="secondary">$</span> ${attempt.command.map(quote).join(" ")}</div>`}
    <table aria-label="Parameters">
      <thead>
        <tr>
          <th scope="col">Parameter</th>
          <th scope="col">Value</th>
          <th scope="col">From</th>
        </tr>
      </thead>
      <tbody>
        ${names.map(
          (name) =>
            html`<tr>
              <td>${name}</td>
              <td class="mono">${formatJson(params[name])}</td>
              <td class="secondary">${resolved?.sources?.[name] ?? "logged by the run"}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${names.length === 0 ? html`<div class="none secondary">The run has no parameters</div>` : nothing}
  </div>`;
}

export function environmentTab(run: RunDetail): TemplateResult {
  const { environment, git } = run;
  const rows: (readonly [string, string])[] = [["Run folder", run.run_dir]];
  if (git !== null) {
    rows.push(["Git commit", formatCommit(git)]);
    if (git.branch !== null) rows.push(["Git branch", git.branch]);
    if (git.remote !== null) rows.push(["Git remote", git.remote]);
  }
  if (environment !== null)
    rows.push(
      ["Host", environment.hostname],
      ["Platform", environment.platform],
      ["Processors", String(environment.cpu_count)],
      ["Memory", formatBytes(environment.memory_bytes)],
      ["GPUs", environment.gpus.length === 0 ? "none" : environment.gpus.join(", ")],
      ["Python", [environment.python_version, environment.python].filter((part) => part !== null).join(" · ") || UNKNOWN],
    );
  for (const { number, process, exit } of run.attempts) {
    if (process !== null)
      rows.push([
        `Attempt ${String(number)}`,
        `pid ${String(process.process.pid)} on ${process.host}, since ${formatClock(process.started_at)}`,
      ]);
    if (exit !== null)
      rows.push([
        `Exit ${String(number)}`,
        `${exit.signal ?? `code ${String(exit.code ?? UNKNOWN)}`} · peak memory ${formatBytes(exit.peak_rss_bytes)}`,
      ]);
  }
  const packages = Object.entries(environment?.packages ?? {});
  return html`<div class="sheet" data-testid="environment">
    <table aria-label="Environment">
      <tbody>
        ${[...rows, ...packages].map(
          ([name, value]) =>
            html`<tr>
              <td class="secondary">${name}</td>
              <td class="mono">${value}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** As a shell would need it. */
function quote(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}

export const tabStyles = css`
  .none {
    padding: 12px 20px;
  }
  .events {
    list-style: none;
    margin: 0;
    padding: 4px 20px;
    font-size: 12px;
  }
  .events li {
    display: flex;
    align-items: flex-start;
    gap: 10px;
    min-height: 22px;
    padding: 2px 0;
  }
  .events .icon {
    font-size: 14px;
    line-height: 18px;
  }
  .events time {
    min-width: 64px;
    white-space: nowrap;
  }
  .sheet {
    padding: 8px 20px;
    font-size: 12px;
  }
  .command {
    padding-bottom: 8px;
    overflow-wrap: anywhere;
  }
  .sheet table {
    border-collapse: collapse;
    width: 100%;
  }
  .sheet th,
  .sheet td {
    text-align: left;
    font-weight: 400;
    padding: 2px 16px 2px 0;
    min-height: 22px;
    vertical-align: top;
    overflow-wrap: anywhere;
  }
  .sheet td:first-child,
  .sheet td:nth-child(3) {
    white-space: nowrap;
  }
  .sheet th {
    color: var(--secondary);
  }
  .sheet tbody tr:hover {
    background: var(--hover);
  }
`;
