/** The editor's theme as the charts need it: its kind, and the few colours that a canvas cannot take from CSS. */
import { type ThemeKind, themeKind } from "../charts/palette.ts";
import { Observable } from "../transport/observable.ts";

export interface Theme {
  readonly kind: ThemeKind;
  readonly foreground: string;
  readonly background: string;
  readonly blue: string;
  readonly green: string;
  readonly error: string;
  readonly fontFamily: string;
}

function readTheme(): Theme {
  const style = getComputedStyle(document.body);
  const color = (name: string, fallback: string): string => {
    const value = style.getPropertyValue(name).trim();
    return value === "" ? fallback : value;
  };
  return {
    kind: themeKind(document.body.classList),
    foreground: color("--vscode-foreground", "#cccccc"),
    background: color("--vscode-editor-background", "#1f1f1f"),
    blue: color("--vscode-charts-blue", "#3794ff"),
    green: color("--vscode-charts-green", "#89d185"),
    error: color("--vscode-testing-iconFailed", "#f14c4c"),
    fontFamily: color("--vscode-font-family", "system-ui, sans-serif"),
  };
}

let shared: Observable<Theme> | null = null;

/** The theme of this document; follows the editor when the user changes it. */
export function documentTheme(): Observable<Theme> {
  if (shared !== null) return shared;
  const theme = new Observable(readTheme());
  const watch = new MutationObserver(() => {
    theme.set(readTheme());
  });
  watch.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ["style", "class"] });
  shared = theme;
  return theme;
}
