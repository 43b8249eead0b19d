/** Metrics in groups by what their names begin with, each under a heading that folds it. */
import { css, html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";

/** Fewer charts than this are seen at a glance: headings would only stand between them. */
const GROUPED_FROM = 17;
/** Of more charts than this only the first groups stand open. */
const OPEN_UP_TO = 60;

export interface MetricGroup {
  /** What stands before the first slash, "" for names without one. */
  readonly prefix: string;
  readonly names: readonly string[];
}

/** In the order of their first metrics; one group without a prefix where there are few metrics or nothing to tell apart. */
export function groupMetrics(names: readonly string[]): MetricGroup[] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const prefix = name.slice(0, Math.max(0, name.indexOf("/")));
    const group = groups.get(prefix);
    if (group === undefined) groups.set(prefix, [name]);
    else group.push(name);
  }
  if (names.length < GROUPED_FROM || groups.size < 2) return names.length === 0 ? [] : [{ prefix: "", names }];
  return [...groups].map(([prefix, members]) => ({ prefix, names: members }));
}

/** The groups that stand open to begin with: the first, and further ones while their charts are few. */
export function openAtFirst(groups: readonly MetricGroup[]): ReadonlySet<string> {
  const open = new Set<string>();
  let charts = 0;
  for (const [i, { prefix, names }] of groups.entries()) {
    charts += names.length;
    if (i === 0 || charts <= OPEN_UP_TO) open.add(prefix);
  }
  return open;
}

/** Which groups of a page are folded. */
export class ChartGroups {
  readonly #onFold: () => void;
  /** Groups that the user folded or unfolded. */
  readonly #chosen = new Map<string, boolean>();

  /** @param onFold a group was folded or unfolded */
  constructor(onFold: () => void) {
    this.#onFold = onFold;
  }

  /**
   * The headings with the charts under them.
   * @param filtered the user looks for something: what was found is shown, folded or not
   * @param chart writes the charts of a group
   */
  render(groups: readonly MetricGroup[], filtered: boolean, charts: (group: MetricGroup) => unknown): unknown {
    if (groups.length < 2) return groups.map(charts);
    const atFirst = openAtFirst(groups);
    return repeat(
      groups,
      (group) => group.prefix,
      (group) => {
        const open = filtered || (this.#chosen.get(group.prefix) ?? atFirst.has(group.prefix));
        return html`${this.#heading(group, open)}${open ? charts(group) : nothing}`;
      },
    );
  }

  #heading({ prefix, names }: MetricGroup, open: boolean): TemplateResult {
    return html`<h2 class="group">
      <button
        aria-expanded=${open ? "true" : "false"}
        data-testid="metric-group"
        @click=${() => {
          this.#chosen.set(prefix, !open);
          this.#onFold();
        }}
      >
        ${icon(open ? "chevron-down" : "chevron-right")}<span class="truncate">${prefix === "" ? "Without a group" : prefix}</span
        ><span class="secondary">${formatInteger(names.length)}</span>
      </button>
    </h2>`;
  }
}

export const chartGroupStyles = css`
  .charts.grouped {
    grid-auto-rows: min-content;
  }
  .group {
    grid-column: 1 / -1;
    margin: 0;
    border-bottom: 1px solid var(--hairline);
    font-size: 12px;
  }
  .group button {
    display: flex;
    align-items: center;
    gap: 6px;
    width: 100%;
    min-height: 28px;
    padding: 0 14px 0 16px;
    border: 0;
    background: none;
    color: inherit;
    font: inherit;
    font-weight: 600;
    text-align: left;
    cursor: pointer;
  }
  .group button:hover {
    background: var(--vscode-list-hoverBackground);
  }
  .group .secondary {
    font-weight: normal;
  }
`;
