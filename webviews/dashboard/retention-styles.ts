import { css } from "lit";

export const retentionStyles = css`
  :host {
    display: contents;
  }
  dialog {
    width: min(680px, calc(100vw - 32px));
    max-height: calc(100vh - 48px);
    padding: 16px 20px;
    color: var(--vscode-foreground);
    background: var(--vscode-editor-background);
    border: 1px solid var(--vscode-contrastBorder, var(--hairline));
    border-radius: 6px;
  }
  dialog[open] {
    display: flex;
    flex-direction: column;
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 0.4);
  }
  h2 {
    margin: 0 0 8px;
    padding: 0;
    height: auto;
    font-size: 15px;
    font-weight: 600;
  }
  fieldset {
    margin: 0;
    padding: 0;
    border: 0;
  }
  .rule {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 8px;
    min-height: 28px;
  }
  label {
    display: inline-flex;
    align-items: center;
    gap: 6px;
  }
  input[type="number"] {
    width: 84px;
  }
  select.input {
    max-width: 240px;
  }
  .error {
    margin: 8px 0 0;
    color: var(--vscode-errorForeground);
  }
  .sum {
    margin: 12px 0 4px;
    font-weight: 600;
  }
  .scroll {
    flex: 1 1 auto;
    min-height: 66px;
    max-height: 280px;
    overflow: auto;
    border-top: 1px solid var(--hairline);
    border-bottom: 1px solid var(--hairline);
    font-size: 12px;
  }
  .scroll.old {
    opacity: 0.6;
  }
  table {
    border-collapse: collapse;
    width: 100%;
  }
  th,
  td {
    padding: 3px 12px 3px 0;
    text-align: left;
    font-weight: 400;
  }
  thead th {
    position: sticky;
    top: 0;
    color: var(--secondary);
    background: var(--vscode-editor-background);
  }
  td:first-child {
    max-width: 200px;
  }
  .number {
    text-align: right;
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
  }
  .icon {
    font-size: 14px;
    vertical-align: -2px;
  }
  .goes td:last-child {
    color: var(--vscode-errorForeground);
  }
  .warning {
    margin: 10px 0 0;
  }
  .warning .icon {
    color: var(--vscode-charts-yellow);
  }
  .buttons {
    display: flex;
    justify-content: flex-end;
    gap: 8px;
    margin-top: 12px;
  }
`;
