/** Groups within groups: what the server counts by one field, by two, by three, as the lines of one table. Pure. */
import type { AggregateResult } from "../../protocol/analysis.ts";
import type { SectionInput } from "./layout.ts";

type Group = AggregateResult["groups"][number];

/** A group's line: `key` has the values of its own field and of those around it. */
export interface GroupNode extends Group {
  /** 0 for the outermost. */
  readonly level: number;
  /** Its runs stand below it; else groups do. */
  readonly innermost: boolean;
}

/**
 * Each group above those within it.
 * @param levels the groups by the first field, by the first two, …; all in the order of their keys
 */
export function nestGroups(levels: readonly (readonly Group[])[]): GroupNode[] {
  const known = levels.map((groups) => new Map(groups.map((group) => [keyOf(group), group])));
  const innermost = levels.length - 1;
  let last: Group["key"] = [];
  return (levels[innermost] ?? []).flatMap((group) => {
    const same = group.key.findIndex((value, index) => JSON.stringify(value) !== JSON.stringify(last[index]));
    last = group.key;
    const begun = levels.flatMap((_, level): GroupNode[] => {
      if (level < same || level === innermost) return [];
      const outer = known[level]?.get(JSON.stringify(group.key.slice(0, level + 1)));
      return outer === undefined ? [] : [{ ...outer, level, innermost: false }];
    });
    return [...begun, { ...group, level: innermost, innermost: true }];
  });
}

export function keyOf({ key }: Pick<Group, "key">): string {
  return JSON.stringify(key);
}

/**
 * What each group takes up: nothing within a folded one.
 * @param shown how many runs of an innermost group are shown
 */
export function groupSections(
  groups: readonly GroupNode[],
  isFolded: (group: number) => boolean,
  shown: (group: number) => number,
): SectionInput[] {
  let foldedLevel = Infinity;
  return groups.map(({ level, innermost, runs }, group) => {
    if (level <= foldedLevel) foldedLevel = isFolded(group) ? level : Infinity;
    const hidden = level > foldedLevel;
    return { header: !hidden, count: innermost ? runs : 0, shown: innermost && !hidden ? shown(group) : 0 };
  });
}
