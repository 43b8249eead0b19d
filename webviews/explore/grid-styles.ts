import { css, unsafeCSS } from "lit";

export const ROW_PX = 22;

export const gridStyles = css`
  :host {
    display: block;
    min-height: 0;
    font-size: 12px;
  }
  .scroll {
    height: 100%;
    overflow: auto;
  }
  .grid {
    min-width: max-content;
  }
  .body {
    position: relative;
    height: var(--rows);
  }
  .row {
    display: grid;
    grid-template-columns: var(--columns);
    align-items: center;
    height: ${unsafeCSS(String(ROW_PX))}px;
  }
  .body .row {
    position: absolute;
    top: var(--top);
    left: 0;
    right: 0;
    cursor: default;
    --ground: var(--vscode-editor-background);
  }
  .body .row:hover {
    --ground: color-mix(in srgb, var(--vscode-foreground) 6%, var(--vscode-editor-background));
    background: var(--ground);
  }
  .body .row.selected {
    --ground: var(--vscode-list-inactiveSelectionBackground, var(--hover));
    background: var(--ground);
  }
  .body .row.selected:focus {
    --ground: var(--vscode-list-activeSelectionBackground, var(--hover));
    color: var(--vscode-list-activeSelectionForeground, inherit);
  }
  .row > span {
    padding: 0 8px;
    min-width: 0;
  }
  .row > .tick {
    display: flex;
    padding: 0 0 0 14px;
  }
  .tick input {
    margin: 0;
    width: 14px;
    height: 14px;
    accent-color: var(--vscode-progressBar-background);
    opacity: 0.6;
  }
  .row:hover .tick input,
  .row.selected .tick input {
    opacity: 1;
  }
  .row > .mark {
    padding: 0 0 0 8px;
    display: flex;
  }
  .row > .tick,
  .row > .mark,
  .row > .name {
    position: sticky;
    z-index: 1;
    height: 100%;
    align-items: center;
    background: var(--ground, var(--vscode-editor-background));
  }
  .row > .tick {
    left: 0;
  }
  .row > .mark {
    left: 30px;
  }
  .row > .name {
    left: 56px;
    display: flex;
    gap: 4px;
    border-right: 1px solid var(--hairline);
  }
  .head {
    position: sticky;
    top: 0;
    z-index: 3;
    height: 26px;
    color: var(--secondary);
    background: var(--vscode-editor-background);
    border-bottom: 1px solid var(--hairline);
  }
  .head button {
    display: inline-flex;
    align-items: center;
    gap: 2px;
    max-width: 100%;
    height: 22px;
  }
  .head button:hover,
  .head [aria-sort="ascending"],
  .head [aria-sort="descending"] {
    color: var(--vscode-foreground);
  }
  .head .icon {
    font-size: 12px;
  }
  .number {
    text-align: right;
  }
  .head .number {
    display: flex;
    justify-content: flex-end;
  }
  .star {
    flex: none;
    opacity: 0;
  }
  .star .icon {
    font-size: 14px;
  }
  .star.on {
    opacity: 1;
    color: var(--vscode-charts-yellow);
  }
  .row:hover .star,
  .row:focus-within .star {
    opacity: 1;
  }
  .tags {
    display: flex;
    align-items: center;
    gap: 4px;
    height: 100%;
    overflow: hidden;
  }
  .tags .edit {
    flex: none;
    width: 18px;
    opacity: 0;
    color: var(--secondary);
  }
  .tags .edit .icon {
    font-size: 12px;
  }
  .row:hover .tags .edit,
  .row:focus-within .tags .edit {
    opacity: 1;
  }
  .tags-input {
    width: 100%;
    height: 20px;
    padding: 0 4px;
  }
  @media (max-width: 480px) {
    .row > .name {
      position: static;
    }
  }
`;
