import { css } from "lit";

export const sweepViewStyles = css`
  :host {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    grid-template-rows: auto auto auto minmax(220px, 44%) minmax(0, 1fr);
  }
  .head {
    grid-row: 1;
    gap: 4px 10px;
  }
  h1 {
    min-width: 0;
  }
  h2 {
    margin: 0 0 6px;
    font-size: 12px;
    font-weight: 600;
  }
  .tag {
    flex: none;
  }
  .tag[data-state="running"] {
    color: var(--vscode-charts-blue);
    border-color: var(--vscode-charts-blue);
  }
  .buttons {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
    margin-left: auto;
  }
  .reason {
    flex-basis: 100%;
    font-size: 12px;
  }
  .problem {
    grid-row: 2;
    padding: 4px 20px;
  }
  .figures {
    grid-row: 3;
    display: flex;
    flex-wrap: wrap;
    gap: 6px 32px;
    padding: 4px 20px 10px;
    border-bottom: 1px solid var(--hairline);
  }
  .figure {
    display: grid;
    align-content: start;
    font-size: 12px;
  }
  .figure b {
    font-size: 15px;
    line-height: 20px;
    font-weight: 500;
  }
  .figure b .secondary {
    font-size: 12px;
    font-weight: normal;
  }
  progress {
    width: 140px;
    height: 3px;
    margin-top: 4px;
    border: 0;
    appearance: none;
    background: color-mix(in srgb, var(--vscode-foreground) 18%, transparent);
    accent-color: var(--vscode-progressBar-background);
  }
  progress::-webkit-progress-bar {
    background: transparent;
  }
  progress::-webkit-progress-value {
    background: var(--vscode-progressBar-background);
  }
  .states {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 14px;
    min-height: 22px;
    align-items: center;
  }
  .count {
    display: inline-flex;
    align-items: center;
    gap: 4px;
  }
  .main {
    grid-row: 4;
    display: grid;
    grid-template-columns: minmax(0, 1fr) 260px;
    min-height: 0;
    border-bottom: 1px solid var(--hairline);
  }
  ty-objective-chart {
    padding: 8px 14px 0;
    min-width: 0;
  }
  aside {
    min-height: 0;
    overflow: auto;
    padding: 12px 20px;
    border-left: 1px solid var(--hairline);
    font-size: 12px;
  }
  dl {
    margin: 0 0 14px;
  }
  dt {
    overflow-wrap: anywhere;
  }
  dd {
    margin: 0 0 6px;
    color: var(--secondary);
    overflow-wrap: anywhere;
  }
  ty-sweep-table {
    grid-row: 5;
  }
  .none {
    padding: 40px 20px;
    text-align: center;
  }
  @container page (max-width: 720px) {
    :host {
      overflow: auto;
    }
    .main {
      grid-template-columns: minmax(0, 1fr);
      grid-template-rows: 240px max-content;
    }
    aside {
      border-left: 0;
      border-top: 1px solid var(--hairline);
    }
    .buttons {
      margin-left: 0;
    }
  }
  @media (max-width: 760px) {
    :host {
      overflow: auto;
      grid-template-rows: auto auto auto max-content max-content;
      align-content: start;
    }
    aside {
      overflow: visible;
    }
  }
`;
