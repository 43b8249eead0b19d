import { css } from "lit";

export const chartsStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    position: relative;
    container: charts / inline-size;
  }
  .toolbar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 8px;
    min-height: 34px;
    padding: 4px 14px 4px 20px;
    border-bottom: 1px solid var(--hairline);
    font-size: 12px;
  }
  .smoothing,
  .grouping {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    margin-left: 6px;
  }
  .grouping select {
    height: 22px;
  }
  input[type="range"] {
    appearance: none;
    width: 76px;
    height: 16px;
    background: none;
    cursor: pointer;
  }
  input[type="range"]::-webkit-slider-runnable-track {
    height: 3px;
    border-radius: 2px;
    background: color-mix(in srgb, var(--vscode-progressBar-background) 60%, transparent);
  }
  input[type="range"]::-webkit-slider-thumb {
    appearance: none;
    width: 10px;
    height: 10px;
    margin-top: -3.5px;
    border-radius: 50%;
    background: var(--vscode-progressBar-background);
  }
  .filter {
    position: relative;
    margin-left: auto;
    display: flex;
    align-items: center;
  }
  .filter .icon {
    position: absolute;
    left: 6px;
    font-size: 14px;
  }
  .filter input {
    width: 176px;
    padding-left: 24px;
  }
  .charts {
    flex: 1;
    min-height: 0;
    overflow: auto;
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    grid-auto-rows: minmax(240px, 1fr);
  }
  .charts.one {
    grid-template-columns: minmax(0, 1fr);
  }
  .charts ty-overlay-chart {
    border-bottom: 1px solid var(--hairline);
    border-right: 1px solid var(--hairline);
  }
  .none {
    grid-column: 1 / -1;
    padding: 20px;
  }
  @container charts (max-width: 720px) {
    .charts {
      grid-template-columns: minmax(0, 1fr);
      grid-auto-rows: minmax(200px, 1fr);
    }
    .filter {
      margin-left: 0;
      flex: 1;
    }
    .filter input {
      width: 100%;
    }
  }
`;
