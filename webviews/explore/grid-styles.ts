import { css, unsafeCSS } from "lit";
import { MARK_PX, TICK_PX } from "./column-layout.ts";
import { GROUP_PX, ROW_PX } from "./layout.ts";

const px = (value: number): ReturnType<typeof unsafeCSS> => unsafeCSS(`${String(value)}px`);

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
    min-width: 100%;
    width: var(--width);
  }
  ty-grid-header {
    position: sticky;
    top: 0;
    z-index: 3;
    min-width: 100%;
  }
  .body {
    position: relative;
    height: var(--rows);
  }
  .row {
    display: grid;
    grid-template-columns: var(--columns);
    align-items: center;
    height: ${px(ROW_PX)};
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
    width: 14px;
    height: 14px;
  }
  .row > .mark {
    padding: 0 0 0 8px;
    display: flex;
  }
  .row > .tick,
  .row > .mark,
  .row > .name,
  .row > .title,
  .row > .pinned {
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
    left: ${px(TICK_PX)};
  }
  .row > .name {
    left: ${px(TICK_PX + MARK_PX)};
    display: flex;
    gap: 4px;
  }
  .row > .pinned {
    left: var(--left);
    line-height: ${px(ROW_PX)};
  }
  .row > .last {
    border-right: 1px solid var(--hairline);
  }
  .gone {
    color: var(--secondary);
    text-decoration: line-through;
  }
  .group {
    height: ${px(GROUP_PX)};
    border-bottom: 1px solid var(--hairline);
  }
  .body .group {
    --ground: color-mix(in srgb, var(--vscode-foreground) 4%, var(--vscode-editor-background));
    background: var(--ground);
  }
  .group > .title {
    left: 0;
    grid-column: 1 / span 3;
    display: flex;
    align-items: center;
    gap: 6px;
    padding-left: calc(12px + var(--indent, 0px));
    font-weight: 600;
  }
  .group .title .secondary,
  .group .title .link {
    flex: none;
    font-weight: 400;
  }
  /* Where there is no room for both, the value says more than the field, which stands above the table. */
  @container (max-width: 560px) {
    .group .title .field {
      display: none;
    }
  }
  .group small {
    font-size: 11px;
    color: var(--secondary);
  }
  /* Where a value lies among those of all runs. High contrast has the numbers alone. */
  .bar {
    background: linear-gradient(to right, color-mix(in srgb, var(--vscode-charts-blue) 24%, transparent) var(--bar), transparent var(--bar))
      0 3px / 100% calc(100% - 6px) no-repeat;
  }
  :host-context(.vscode-high-contrast) .bar,
  :host-context(.vscode-high-contrast-light) .bar {
    background: none;
  }
  .number {
    text-align: right;
  }
  .sparked {
    display: flex;
    justify-content: flex-end;
    align-items: center;
    gap: 6px;
    overflow: hidden;
    white-space: nowrap;
  }
  .sparked .value {
    flex: none;
  }
  .spark {
    flex: 0 1 52px;
    min-width: 0;
    height: 14px;
    margin-right: auto;
    fill: none;
    stroke: currentColor;
    stroke-opacity: 0.74;
    stroke-linejoin: round;
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
  .tags .tag {
    flex: 0 1 auto;
    min-width: 36px;
    max-width: 110px;
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
`;
