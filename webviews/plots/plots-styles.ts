import { css } from "lit";

export const plotsStyles = css`
  :host {
    display: grid;
    grid-template-columns: 290px minmax(0, 1fr);
    grid-template-rows: auto auto minmax(0, 1fr) auto;
  }
  .head,
  .filters {
    grid-column: 1 / -1;
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
    padding: 40px 20px;
    text-align: center;
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
      grid-template-rows: auto auto fit-content(40vh) minmax(0, 1fr) auto;
    }
    ty-plot-form {
      grid-row: auto;
      border-right: 0;
      border-bottom: 1px solid var(--hairline);
    }
  }
`;
