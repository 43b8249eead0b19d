import { css } from "lit";

export const exploreStyles = css`
  :host {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    grid-template-rows: auto auto minmax(0, 1fr);
    height: 100%;
    background: var(--vscode-editor-background);
    container: page / inline-size;
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 12px;
    min-height: 48px;
    padding: 6px 14px 6px 20px;
  }
  h1 {
    margin: 0;
    font-size: 17px;
    line-height: 22px;
    font-weight: 600;
  }
  .actions {
    display: flex;
    align-items: center;
    gap: 8px;
    margin-left: auto;
  }
  .offline {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    font-size: 12px;
    color: var(--vscode-charts-yellow);
  }
  .problem {
    flex-basis: 100%;
    font-size: 12px;
    color: var(--vscode-errorForeground);
  }
  .filters {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 8px;
    padding: 0 14px 8px 20px;
    font-size: 12px;
    border-bottom: 1px solid var(--hairline);
  }
  .filter {
    position: relative;
    flex: 1;
    min-width: 220px;
    display: flex;
    align-items: center;
  }
  .filter > .icon {
    position: absolute;
    left: 6px;
    font-size: 14px;
  }
  .filter input {
    width: 100%;
    padding: 0 88px 0 26px;
  }
  .count {
    position: absolute;
    right: 26px;
    pointer-events: none;
  }
  .toggle {
    display: inline-flex;
    align-items: center;
    gap: 4px;
  }
  .toggle .icon {
    font-size: 14px;
  }
  .pending {
    color: var(--vscode-textLink-foreground);
  }
  .picker {
    position: relative;
  }
  .table {
    position: relative;
    min-height: 0;
  }
  ty-run-grid {
    height: 100%;
  }
  .none {
    position: absolute;
    top: 40px;
    left: 20px;
  }
  dialog {
    width: min(440px, calc(100vw - 32px));
    padding: 16px 20px;
    color: var(--vscode-foreground);
    background: var(--vscode-editor-background);
    border: 1px solid var(--hairline);
    border-radius: 6px;
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 0.4);
  }
  h2 {
    margin: 0 0 8px;
    font-size: 15px;
    font-weight: 600;
    overflow-wrap: anywhere;
  }
  p {
    margin: 0 0 12px;
  }
  .buttons {
    display: flex;
    justify-content: flex-end;
    gap: 8px;
  }
  @container page (max-width: 720px) {
    .actions .label {
      display: none;
    }
  }
`;
