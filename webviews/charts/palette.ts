/** The chart palette: eight slots that stay apart under colour-vision deficiency, one set per ground. */
export type ThemeKind = "dark" | "light" | "high-contrast" | "high-contrast-light";

const DARK = ["#3984F9", "#E79B0F", "#72C5A3", "#B3739F", "#ECD858", "#B4A4FA", "#D5644B", "#8BE4FE"] as const;
const LIGHT = ["#124FA8", "#9B591B", "#10A08B", "#6E2E62", "#A68E14", "#927DF5", "#861F13", "#207999"] as const;
/** Dash patterns once all colours are in use. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3]];

export const SLOT_COUNT = DARK.length;

export interface LineStyle {
  readonly color: string;
  readonly dash: readonly number[];
}

export function isLight(theme: ThemeKind): boolean {
  return theme === "light" || theme === "high-contrast-light";
}

/** @param slot 0-based; counts on past eight with the same colours, dashed */
export function lineStyle(slot: number, theme: ThemeKind): LineStyle {
  const colors = isLight(theme) ? LIGHT : DARK;
  const color = colors[slot % SLOT_COUNT] ?? colors[0];
  return { color, dash: DASHES[Math.floor(slot / SLOT_COUNT) % DASHES.length] ?? [] };
}

/** VS Code says the theme by a class on the body; the browser application sets the same classes. */
export function themeKind(classes: DOMTokenList | readonly string[]): ThemeKind {
  const has = (name: string): boolean => ("contains" in classes ? classes.contains(name) : classes.includes(name));
  if (has("vscode-high-contrast-light")) return "high-contrast-light";
  if (has("vscode-high-contrast")) return "high-contrast";
  return has("vscode-light") ? "light" : "dark";
}
