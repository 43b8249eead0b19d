import { css } from "lit";

export const dashboardStyles = css`
  :host {
    display: block;
    height: 100%;
    background: var(--vscode-editor-background);
    container: dashboard / inline-size;
  }
  .page {
    height: 100%;
    display: grid;
    grid-template-rows: auto minmax(0, 1fr) auto;
    grid-template-columns: minmax(0, 1fr);
  }
  .top {
    border-bottom: 1px solid var(--hairline);
    padding-bottom: 6px;
    min-width: 0;
  }
  .header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 8px;
    min-height: 48px;
    padding: 8px 20px 0;
  }
  .named {
    display: flex;
    align-items: center;
    gap: 8px;
    min-width: 0;
  }
  h1 {
    margin: 0;
    font-size: 17px;
    line-height: 22px;
    font-weight: 600;
    min-width: 0;
  }
  .badge {
    height: 18px;
    line-height: 16px;
    padding: 0 6px;
    border-radius: 4px;
    border: 1px solid var(--state);
    font-size: 12px;
    white-space: nowrap;
  }
  .badge.reconnecting {
    --state: var(--vscode-charts-yellow);
  }
  .star {
    color: var(--secondary);
  }
  .star[aria-pressed="true"] {
    color: var(--vscode-charts-yellow);
  }
  .buttons {
    display: flex;
    align-items: center;
    gap: 6px;
    margin-left: auto;
  }
  /* A line between neighbours, and none at the start of a row: there it is clipped away. */
  .meta {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 0 17px;
    margin: 2px 20px 8px;
    overflow: hidden;
    font-size: 12px;
    color: var(--secondary);
  }
  .description {
    margin: -4px 20px 8px;
    font-size: 12px;
  }
  .meta > span {
    border-left: 1px solid color-mix(in srgb, var(--vscode-foreground) 26%, transparent);
    margin-left: -9px;
    padding-left: 8px;
  }
  .meta .icon {
    font-size: 13px;
    vertical-align: -2px;
  }
  .main {
    display: grid;
    grid-template-columns: minmax(0, 1fr) 312px;
    min-height: 0;
  }
  .side {
    border-left: 1px solid var(--hairline);
    overflow: auto;
    min-height: 0;
  }
  .bottom {
    display: flex;
    flex-direction: column;
    height: var(--bottom, 208px);
    min-height: 34px;
    border-top: 1px solid var(--hairline);
    background: var(--vscode-panel-background);
    position: relative;
  }
  /* Pictures and tables need room; whoever set a height keeps it. */
  .bottom.tall {
    height: var(--bottom, 340px);
  }
  .bottom.collapsed {
    height: 35px;
  }
  .sash {
    position: absolute;
    top: -3px;
    left: 0;
    right: 0;
    height: 6px;
    cursor: ns-resize;
    z-index: 4;
    touch-action: none;
  }
  .sash:hover,
  .sash:focus-visible {
    background: var(--vscode-sash-hoverBorder, var(--focus));
    outline: none;
  }
  .tabs {
    display: flex;
    align-items: center;
    gap: 2px;
    height: 34px;
    flex: none;
    padding: 0 12px 0 10px;
    /* On a narrow page the tabs scroll, by keys and wheel: a bar would cover them. */
    overflow: auto hidden;
    scrollbar-width: none;
  }
  .tabs [role="tab"] {
    position: relative;
    height: 34px;
    padding: 0 10px;
    white-space: nowrap;
    color: var(--secondary);
  }
  .tabs [role="tab"][aria-selected="true"] {
    color: var(--vscode-foreground);
  }
  .tabs [role="tab"][aria-selected="true"]::after {
    content: "";
    position: absolute;
    left: 10px;
    right: 10px;
    bottom: 4px;
    height: 1px;
    background: var(--vscode-panelTitle-activeBorder, var(--vscode-focusBorder));
  }
  .tabs .icon-button {
    margin-left: auto;
  }
  .panel {
    flex: 1;
    min-height: 0;
    overflow: auto;
  }
  .panel ty-log-console,
  .panel ty-artifact-list {
    height: 100%;
  }
  .problem {
    padding: 40px 20px;
    display: grid;
    gap: 8px;
    justify-items: center;
    text-align: center;
  }
  .actions-failed {
    color: var(--vscode-errorForeground);
    padding: 0 20px 6px;
    font-size: 12px;
  }
  @container dashboard (max-width: 900px) {
    .page {
      height: auto;
      min-height: 100%;
      grid-template-rows: auto auto auto;
    }
    :host {
      overflow: auto;
    }
    .main {
      grid-template-columns: minmax(0, 1fr);
    }
    .side {
      border-left: 0;
      border-top: 1px solid var(--hairline);
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(280px, 1fr));
    }
    .bottom {
      height: 320px;
    }
    .bottom.tall {
      height: 440px;
    }
    .buttons .button:not(.keep) .label {
      display: none;
    }
  }
  @container dashboard (max-width: 520px) {
    .tabs {
      padding: 0 2px;
    }
  }
`;
