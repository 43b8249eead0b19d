import { css } from "lit";

export const plotsStyles = css`
  :host {
    display: grid;
    grid-template-columns: 290px minmax(0, 1fr);
    grid-template-rows: auto auto minmax(0, 1fr) auto;
    height: 100%;
    background: var(--vscode-editor-background);
    container: page / inline-size;
  }
  .head,
  .filters {
    grid-column: 1 / -1;
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
  .problem {
    flex-basis: 100%;
    font-size: 12px;
    color: var(--vscode-errorForeground);
  }
  .filters {
    padding: 0 14px 8px 20px;
    font-size: 12px;
    border-bottom: 1px solid var(--hairline);
  }
  ty-plot-form {
    grid-row: 3 / 5;
    border-right: 1px solid var(--hairline);
  }
  .chart {
    position: relative;
    min-height: 0;
    min-width: 0;
    padding: 12px 14px 0;
  }
  ty-vega-plot,
  ty-parallel-plot {
    height: 100%;
  }
  .none {
    padding: 20px;
  }
  .foot {
    max-height: 90px;
    min-height: 28px;
    padding: 4px 14px;
    overflow: auto;
    font-size: 12px;
  }
  .foot .toggle {
    display: inline-flex;
    align-items: center;
    gap: 4px;
  }
  @media (max-width: 760px) {
    :host {
      grid-template-columns: minmax(0, 1fr);
      grid-template-rows: auto auto minmax(120px, 36vh) minmax(0, 1fr) auto;
    }
    ty-plot-form {
      grid-row: auto;
      border-right: 0;
      border-bottom: 1px solid var(--hairline);
    }
  }
  @container page (max-width: 720px) {
    .actions .label {
      display: none;
    }
  }
`;
