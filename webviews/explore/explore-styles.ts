import { css } from "lit";

export const exploreStyles = css`
  :host {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    grid-template-rows: auto auto minmax(0, 1fr);
  }
  .notice {
    display: flex;
    flex-basis: 100%;
    align-items: center;
    gap: 8px;
    font-size: 12px;
  }
  .filters {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 6px;
    padding: 0 14px 6px 20px;
    font-size: 12px;
    border-bottom: 1px solid var(--hairline);
  }
  .table {
    position: relative;
    min-height: 0;
  }
  ty-run-grid {
    height: 100%;
  }
  .none {
    position: absolute;
    top: 60px;
    left: 20px;
    right: 20px;
    text-align: center;
  }
  .progress {
    position: absolute;
    z-index: 4;
    top: 0;
    left: 0;
    right: 0;
    height: 2px;
    background: linear-gradient(90deg, transparent, var(--vscode-progressBar-background), transparent) 0 0 / 40% 100% no-repeat;
  }
  @media (prefers-reduced-motion: no-preference) {
    .progress {
      animation: slide 1.2s linear infinite;
    }
  }
  @keyframes slide {
    from {
      background-position: -60% 0;
    }
    to {
      background-position: 160% 0;
    }
  }
  @container page (max-width: 720px) {
    .head,
    .filters {
      padding-left: 12px;
      padding-right: 12px;
    }
  }
`;
