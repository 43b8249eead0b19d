/** How the difference of code looks. */
import { css } from "lit";

export const codeDifferenceStyles = css`
  :host {
    display: contents;
  }
  dialog[open] {
    display: flex;
  }
  dialog {
    flex-direction: column;
    width: min(1100px, calc(100vw - 32px));
    max-height: calc(100vh - 64px);
    padding: 0;
    color: var(--vscode-foreground);
    background: var(--vscode-editor-background);
    border: 1px solid var(--vscode-contrastBorder, var(--hairline));
    border-radius: 6px;
    font-size: 12px;
  }
  dialog::backdrop {
    background: rgb(0 0 0 / 0.4);
  }
  header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 10px;
    min-height: 44px;
    padding: 6px 44px 6px 16px;
    position: relative;
    border-bottom: 1px solid var(--hairline);
  }
  h2 {
    margin: 0;
    font-size: 15px;
    font-weight: 600;
  }
  h3 {
    margin: 0;
    padding: 6px 12px;
    font-size: 12px;
    font-weight: 600;
  }
  header select {
    max-width: 260px;
  }
  header > .truncate {
    max-width: 320px;
  }
  .close {
    position: absolute;
    top: 10px;
    right: 12px;
  }
  .body {
    min-height: 0;
    overflow: auto;
    padding: 4px 16px 16px;
  }
  p {
    margin: 8px 0;
    overflow-wrap: anywhere;
  }
  details,
  section {
    margin: 8px 0;
    border: 1px solid var(--hairline);
    border-radius: 4px;
    min-width: 0;
  }
  summary {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 2px 8px;
    padding: 5px 10px;
    cursor: pointer;
  }
  summary:hover {
    background: var(--hover);
  }
  summary .path {
    font-family: var(--vscode-editor-font-family, monospace);
    overflow-wrap: anywhere;
  }
  summary::before {
    content: "›";
    width: 8px;
  }
  details[open] > summary::before {
    transform: rotate(90deg);
  }
  summary .link {
    margin-left: auto;
  }
  details > p,
  section > p {
    margin: 0;
    padding: 6px 12px;
  }
  .lines {
    border-top: 1px solid var(--hairline);
    overflow: auto;
    padding: 4px 0;
    font-family: var(--vscode-editor-font-family, monospace);
    line-height: 17px;
    white-space: pre;
    tab-size: 4px;
  }
  .lines > div {
    width: max-content;
    min-width: 100%;
    padding: 0 12px;
  }
  .plus {
    background: var(--vscode-diffEditor-insertedLineBackground, color-mix(in srgb, var(--vscode-charts-green) 18%, transparent));
  }
  .minus {
    background: var(--vscode-diffEditor-removedLineBackground, color-mix(in srgb, var(--vscode-errorForeground) 18%, transparent));
  }
  .place {
    color: var(--secondary);
  }
  .added {
    color: var(--vscode-gitDecoration-addedResourceForeground, var(--vscode-charts-green));
  }
  .removed {
    color: var(--vscode-gitDecoration-deletedResourceForeground, var(--vscode-errorForeground));
  }
  .patches {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: 0 10px;
    align-items: start;
  }
  @media (max-width: 640px) {
    .patches {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
