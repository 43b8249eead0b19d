import { css } from "lit";

export const chartsStyles = css`
  .grouping {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    margin-left: 6px;
  }
  .grouping select {
    height: 22px;
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
  .charts.grouped .room {
    min-height: 240px;
  }
  .charts .room {
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
      max-width: none;
    }
  }
`;
