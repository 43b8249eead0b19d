import { css } from "lit";

/** The right column of the builder. */
export const previewStyles = css`
  .preview {
    display: flex;
    flex-direction: column;
    min-height: 0;
    border-left: 1px solid var(--hairline);
    background: var(--vscode-panel-background);
  }
  .preview .tabs {
    display: flex;
    align-items: center;
    height: 34px;
    padding: 0 12px;
    gap: 4px;
    flex: none;
  }
  .preview .tabs .icon-button {
    margin-left: auto;
  }
  .copies {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
    margin: 4px 0 10px;
  }
  .code h3 {
    margin: 12px 0 4px;
    font-size: 12px;
    font-weight: 600;
  }
  .resolved {
    display: grid;
    grid-template-columns: minmax(0, 1.3fr) minmax(0, 1fr) auto;
    grid-auto-rows: minmax(20px, auto);
    gap: 0 10px;
    font-size: 12px;
    overflow-wrap: anywhere;
  }
  .runs {
    border-collapse: collapse;
    font-size: 12px;
  }
  .runs th,
  .runs td {
    height: 20px;
    padding: 0 12px 0 0;
    text-align: left;
    font-weight: normal;
    white-space: nowrap;
  }
  .runs th {
    color: var(--secondary);
  }
  .count {
    color: var(--secondary);
  }
  .code-line.marked {
    margin: 0 -16px;
    padding: 0 13px;
    border-left: 3px solid var(--vscode-testing-iconFailed);
  }
  .change {
    display: grid;
    grid-template-columns: minmax(0, 1.2fr) minmax(0, 1fr) 16px minmax(0, 1fr);
    align-items: center;
    gap: 0 8px;
    min-height: 24px;
    overflow-wrap: anywhere;
  }
  .change .was {
    text-align: right;
    opacity: 0.74;
  }
  .code {
    padding: 4px 16px 12px;
    flex: 1;
    min-height: 80px;
    overflow: auto;
    line-height: 18px;
  }
  .code-line span {
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }
  .yaml-key {
    color: var(--vscode-textLink-foreground);
  }
  .yaml-string {
    color: var(--vscode-debugTokenExpression-string, inherit);
  }
  .yaml-number {
    color: var(--vscode-debugTokenExpression-number, inherit);
  }
  .yaml-boolean {
    color: var(--vscode-debugTokenExpression-boolean, inherit);
  }
  .estimate {
    flex: none;
    max-height: 45%;
    overflow: auto;
    padding: 8px 14px;
    border-top: 1px solid var(--hairline);
    font-size: 12px;
  }
  .estimate h3 {
    margin: 8px 0 2px;
    font-size: 12px;
    font-weight: 600;
  }
  .estimate p {
    margin: 0;
  }
  .figures {
    display: flex;
    flex-wrap: wrap;
    gap: 4px 20px;
  }
  .figure {
    display: grid;
    font-size: 11px;
  }
  .figure b {
    font-size: 15px;
    font-weight: 500;
    font-variant-numeric: tabular-nums;
  }
  .fit {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0 6px;
  }
  .ok {
    color: var(--vscode-testing-iconPassed);
  }
  .bar {
    position: relative;
    display: flex;
    height: 8px;
    margin: 3px 0;
    background: color-mix(in srgb, var(--vscode-foreground) 10%, transparent);
  }
  .bar .range {
    position: absolute;
    top: 3px;
    height: 1px;
    background: var(--vscode-foreground);
    outline: 1px solid var(--vscode-panel-background);
  }
  .bar .free {
    position: absolute;
    top: -2px;
    bottom: -2px;
    width: 2px;
    background: var(--vscode-foreground);
  }
  .parts {
    display: flex;
    flex-wrap: wrap;
    gap: 0 10px;
    font-size: 11px;
  }
  .swatch {
    display: inline-block;
    width: 8px;
    height: 8px;
    margin-right: 4px;
  }
  .findings {
    max-height: 40%;
    overflow: auto;
    padding: 8px 14px;
    border-top: 1px solid var(--hairline);
    font-size: 12px;
    display: grid;
    gap: 6px;
    flex: none;
  }
  .finding {
    display: flex;
    gap: 6px;
    overflow-wrap: anywhere;
  }
  .finding .icon {
    font-size: 14px;
    line-height: 18px;
  }
  .foot {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
    padding: 10px 14px;
    border-top: 1px solid var(--hairline);
    flex: none;
  }
  .foot .verdict {
    width: 100%;
    font-size: 12px;
    min-height: 18px;
  }
  .foot .group {
    display: flex;
    gap: 8px;
  }
  .foot .starts {
    margin-left: auto;
  }
`;
