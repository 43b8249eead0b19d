import { css } from "lit";

export const chartStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-width: 0;
    padding: 6px 4px 4px 0;
    position: relative;
  }
  header {
    display: flex;
    align-items: center;
    gap: 8px;
    height: 22px;
    padding: 0 8px 0 20px;
    font-size: 12px;
  }
  /* The group and the name stand in a wrapped row one line high: what does not fit goes to the hidden line. */
  .title {
    display: flex;
    flex-wrap: wrap;
    align-content: flex-end;
    height: 18px;
    overflow: hidden;
    font-weight: 600;
    min-width: 0;
    flex: 0 1 auto;
  }
  .title .truncate {
    max-width: 100%;
  }
  .value {
    white-space: nowrap;
  }
  .notes {
    display: flex;
    flex-wrap: wrap;
    flex: 1 1 0;
    min-width: 0;
    height: 18px;
    overflow: hidden;
    font-size: 11px;
    white-space: nowrap;
  }
  .notes span:first-child {
    width: 1px;
    height: 18px;
  }
  .swatch {
    flex: none;
    width: 12px;
    height: 2px;
    background: var(--series);
  }
  .swatch.faint {
    opacity: 0.45;
  }
  .tools {
    position: absolute;
    right: 6px;
    display: flex;
    opacity: 0;
    background: var(--vscode-editor-background);
  }
  :host(:hover) .tools,
  :host(:focus-within) .tools {
    opacity: 1;
  }
  .plot {
    position: relative;
    flex: 1;
    min-height: 120px;
    touch-action: pan-y;
    cursor: crosshair;
    overflow: hidden;
  }
  .frame,
  .lines,
  .overlay {
    position: absolute;
    inset: 0;
  }
  .frame {
    overflow: hidden;
  }
  .lines,
  .overlay {
    width: 100%;
    height: 100%;
    pointer-events: none;
  }
  .empty {
    position: absolute;
    inset: 10px 14px 24px 44px;
    display: grid;
    place-items: center;
    font-size: 12px;
    pointer-events: none;
  }
  .chip,
  .tooltip {
    position: absolute;
    z-index: 2;
    pointer-events: none;
    color: var(--vscode-editorHoverWidget-foreground, var(--vscode-foreground));
    background: var(--vscode-editorHoverWidget-background);
    border: 1px solid var(--vscode-editorHoverWidget-border, var(--vscode-contrastBorder, transparent));
    border-radius: 3px;
    font-size: 12px;
    max-width: 80%;
  }
  .chip {
    padding: 0 6px;
    font-weight: 600;
  }
  .tooltip {
    padding: 6px 8px;
    display: grid;
    gap: 2px;
    box-shadow: 0 2px 8px var(--vscode-widget-shadow, rgba(0, 0, 0, 0.36));
    white-space: nowrap;
  }
  .tooltip .row {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .tooltip .row :last-child {
    margin-left: auto;
    padding-left: 16px;
  }
  .tooltip .secondary {
    font-size: 11px;
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .tooltip .when {
    margin-left: auto;
    padding-left: 16px;
  }
  .tooltip .icon {
    font-size: 13px;
  }
  .table {
    max-height: 180px;
    overflow: auto;
    border-top: 1px solid var(--hairline);
    font-size: 12px;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th,
  td {
    text-align: right;
    padding: 0 12px;
    height: 22px;
    font-weight: normal;
  }
  thead th {
    position: sticky;
    top: 0;
    color: var(--secondary);
    background: var(--vscode-editor-background);
  }
  :host([maximised]) {
    position: absolute;
    inset: 0;
    z-index: 5;
    background: var(--vscode-editor-background);
  }
`;
