import { css } from "lit";

export const consoleStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    background: var(--vscode-panel-background);
    container: console / inline-size;
  }
  .bar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: flex-end;
    gap: 6px;
    padding: 4px 12px;
    font-size: 12px;
  }
  .search {
    position: relative;
    display: flex;
    align-items: center;
  }
  .search .icon {
    position: absolute;
    left: 6px;
    font-size: 14px;
  }
  .search input {
    width: 220px;
    padding-left: 24px;
    padding-right: 56px;
  }
  .search input::-webkit-search-cancel-button {
    display: none;
  }
  .search .count {
    position: absolute;
    right: 8px;
    font-size: 11px;
  }
  .levels {
    display: flex;
    gap: 2px;
  }
  .marked {
    display: inline-flex;
    align-items: center;
    gap: 4px;
  }
  .marked .icon {
    font-size: 14px;
  }
  .marked[aria-pressed="true"] {
    color: var(--vscode-inputOption-activeForeground);
    background: var(--vscode-inputOption-activeBackground);
  }
  :where(.marked[aria-pressed="true"]) {
    outline: 1px solid var(--vscode-contrastActiveBorder, var(--vscode-inputOption-activeBorder, transparent));
    outline-offset: -1px;
  }
  .view {
    position: relative;
    flex: 1;
    min-height: 0;
    overflow: auto;
    padding: 0 20px;
    line-height: 18px;
  }
  .sizer {
    position: relative;
  }
  .row {
    position: absolute;
    left: 0;
    height: 18px;
    white-space: nowrap;
  }
  .run {
    white-space: pre;
  }
  .row.level-error {
    color: var(--vscode-testing-iconFailed, var(--vscode-errorForeground));
  }
  .row.level-warning {
    color: var(--vscode-charts-yellow);
  }
  .row.level-debug,
  .dim {
    color: var(--secondary);
  }
  .row.current {
    background: var(--vscode-list-inactiveSelectionBackground);
  }
  mark {
    color: inherit;
    background: var(--vscode-editor-findMatchHighlightBackground, #ea5c0055);
  }
  .bold {
    font-weight: 600;
  }
  .italic {
    font-style: italic;
  }
  .underline {
    text-decoration: underline;
  }
  .tqdm {
    display: inline-flex;
    align-items: center;
    gap: 10px;
    height: 18px;
  }
  .meter {
    width: 220px;
    height: 7px;
    background: color-mix(in srgb, var(--vscode-foreground) 14%, transparent);
  }
  .fill {
    display: block;
    height: 100%;
    background: var(--vscode-progressBar-background);
  }
  .earlier {
    font: inherit;
    display: block;
    padding: 2px 0;
  }
  .empty {
    font-family: var(--vscode-font-family);
  }
  @container console (max-width: 700px) {
    .search {
      flex: 1;
    }
    .search input {
      width: 100%;
    }
    .meter {
      width: 80px;
    }
  }
  @container console (max-width: 480px) {
    .search {
      flex: 1 1 100%;
    }
  }
  .fg0 {
    color: var(--vscode-terminal-ansiBlack);
  }
  .bg0 {
    background: var(--vscode-terminal-ansiBlack);
  }
  .fg8 {
    color: var(--vscode-terminal-ansiBrightBlack);
  }
  .bg8 {
    background: var(--vscode-terminal-ansiBrightBlack);
  }
  .fg1 {
    color: var(--vscode-terminal-ansiRed);
  }
  .bg1 {
    background: var(--vscode-terminal-ansiRed);
  }
  .fg9 {
    color: var(--vscode-terminal-ansiBrightRed);
  }
  .bg9 {
    background: var(--vscode-terminal-ansiBrightRed);
  }
  .fg2 {
    color: var(--vscode-terminal-ansiGreen);
  }
  .bg2 {
    background: var(--vscode-terminal-ansiGreen);
  }
  .fg10 {
    color: var(--vscode-terminal-ansiBrightGreen);
  }
  .bg10 {
    background: var(--vscode-terminal-ansiBrightGreen);
  }
  .fg3 {
    color: var(--vscode-terminal-ansiYellow);
  }
  .bg3 {
    background: var(--vscode-terminal-ansiYellow);
  }
  .fg11 {
    color: var(--vscode-terminal-ansiBrightYellow);
  }
  .bg11 {
    background: var(--vscode-terminal-ansiBrightYellow);
  }
  .fg4 {
    color: var(--vscode-terminal-ansiBlue);
  }
  .bg4 {
    background: var(--vscode-terminal-ansiBlue);
  }
  .fg12 {
    color: var(--vscode-terminal-ansiBrightBlue);
  }
  .bg12 {
    background: var(--vscode-terminal-ansiBrightBlue);
  }
  .fg5 {
    color: var(--vscode-terminal-ansiMagenta);
  }
  .bg5 {
    background: var(--vscode-terminal-ansiMagenta);
  }
  .fg13 {
    color: var(--vscode-terminal-ansiBrightMagenta);
  }
  .bg13 {
    background: var(--vscode-terminal-ansiBrightMagenta);
  }
  .fg6 {
    color: var(--vscode-terminal-ansiCyan);
  }
  .bg6 {
    background: var(--vscode-terminal-ansiCyan);
  }
  .fg14 {
    color: var(--vscode-terminal-ansiBrightCyan);
  }
  .bg14 {
    background: var(--vscode-terminal-ansiBrightCyan);
  }
  .fg7 {
    color: var(--vscode-terminal-ansiWhite);
  }
  .bg7 {
    background: var(--vscode-terminal-ansiWhite);
  }
  .fg15 {
    color: var(--vscode-terminal-ansiBrightWhite);
  }
  .bg15 {
    background: var(--vscode-terminal-ansiBrightWhite);
  }
`;
