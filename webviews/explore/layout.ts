/** Where rows stand: the groups one below the other, each with its header and as many of its runs as are shown. Pure. */
export const ROW_PX = 22;
export const GROUP_PX = 26;

export interface SectionInput {
  /** Has it a line of its own? The one section of an ungrouped table has none, and none has what lies within a folded group. */
  readonly header: boolean;
  /** Runs of the group; 0 of one that holds groups. */
  readonly count: number;
  /** How many of them are shown; 0 when it is folded. */
  readonly shown: number;
}

/** A line of the table: a group's header, or the run that stands at `run` in the order of all runs. */
export type Line =
  | { readonly kind: "group"; readonly group: number; readonly top: number }
  | { readonly kind: "run"; readonly group: number; readonly run: number; readonly top: number };

interface Section extends SectionInput {
  readonly top: number;
  /** Lines before it, and runs before it (also those that are not shown). */
  readonly line: number;
  readonly run: number;
}

export class TableLayout {
  readonly height: number;
  /** Lines in all. */
  readonly lines: number;
  readonly #sections: readonly Section[];

  constructor(sections: readonly SectionInput[]) {
    let [top, line, run] = [0, 0, 0];
    this.#sections = sections.map((section) => {
      const placed = { ...section, top, line, run };
      const extra = section.header ? 1 : 0;
      top += extra * GROUP_PX + section.shown * ROW_PX;
      line += extra + section.shown;
      run += section.count;
      return placed;
    });
    this.height = top;
    this.lines = line;
  }

  /** @param index 0-based; undefined beyond the last line */
  line(index: number): Line | undefined {
    if (index < 0 || index >= this.lines) return undefined;
    const group = this.#find((section) => section.line <= index);
    const section = this.#sections[group];
    if (section === undefined) return undefined;
    const within = index - section.line - (section.header ? 1 : 0);
    if (within < 0) return { kind: "group", group, top: section.top };
    return { kind: "run", group, run: section.run + within, top: section.top + (section.header ? GROUP_PX : 0) + within * ROW_PX };
  }

  /** The line at a height, the nearest one beyond the ends. */
  lineAt(y: number): number {
    const group = this.#find((section) => section.top <= y);
    const section = this.#sections[group];
    if (section === undefined) return 0;
    const header = section.header ? 1 : 0;
    const below = y - section.top - header * GROUP_PX;
    if (below < 0) return section.line;
    const within = Math.min(header + Math.floor(below / ROW_PX), Math.max(0, header + section.shown - 1));
    // Below the last line there may be sections that have none.
    return Math.max(0, Math.min(this.lines - 1, section.line + within));
  }

  /** The line of the run at this place in the order, null when it is not shown. */
  lineOfRun(run: number): number | null {
    const section = this.#sections[this.#find((each) => each.run <= run)];
    if (section === undefined || run - section.run >= section.shown) return null;
    return section.line + (section.header ? 1 : 0) + run - section.run;
  }

  /** The places of the runs from one line to another, both included, at most so many. */
  runsBetween(from: number, to: number, most: number): number[] {
    const by = to < from ? -1 : 1;
    const runs: number[] = [];
    for (let index = from; index !== to + by && runs.length < most; index += by) {
      const line = this.line(index);
      if (line?.kind === "run") runs.push(line.run);
    }
    return runs;
  }

  /** Index of the last section for which this holds; it holds for all before it. */
  #find(holds: (section: Section) => boolean): number {
    let [low, high] = [0, this.#sections.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const section = this.#sections[middle];
      if (section !== undefined && holds(section)) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
