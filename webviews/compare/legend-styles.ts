import { css } from "lit";

export const legendStyles = css`
  :host {
    display: block;
    overflow: auto;
    font-size: 12px;
    container: legend / inline-size;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th {
    position: sticky;
    top: 0;
    z-index: 1;
    height: 24px;
    font-weight: normal;
    text-align: left;
    white-space: nowrap;
    color: var(--secondary);
    background: var(--vscode-editor-background);
  }
  th.run {
    padding-left: 64px;
  }
  td,
  th {
    padding: 0 8px;
  }
  td {
    height: 22px;
    white-space: nowrap;
  }
  tbody tr:hover,
  tr.highlight {
    background: var(--hover);
  }
  tr.hidden td:not(.eye) {
    opacity: 0.5;
  }
  .number {
    text-align: right;
  }
  .param {
    max-width: 140px;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .changed,
  .last {
    font-weight: 600;
  }
  .eye {
    width: 38px;
    padding: 0 0 0 16px;
  }
  .eye .icon {
    font-size: 14px;
  }
  .swatch-cell {
    width: 26px;
    padding: 0;
  }
  .pin {
    display: grid;
    place-content: center;
    width: 26px;
    height: 18px;
    border: 1px solid transparent;
    border-radius: 3px;
  }
  .pin:hover {
    border-color: color-mix(in srgb, var(--vscode-foreground) 28%, transparent);
  }
  .pin[aria-pressed="true"] {
    border-color: var(--vscode-foreground);
  }
  .swatch {
    display: block;
    width: 18px;
    height: 2px;
    background: var(--series);
  }
  .swatch.dashed {
    background: repeating-linear-gradient(90deg, var(--series) 0 5px, transparent 5px 7px);
  }
  .swatch.band {
    height: 8px;
    background-clip: padding-box;
    border-top: 3px solid color-mix(in srgb, var(--series) 30%, transparent);
    border-bottom: 3px solid color-mix(in srgb, var(--series) 30%, transparent);
  }
  .name > span {
    display: flex;
    align-items: center;
    gap: 6px;
    max-width: 340px;
  }
  .name .icon {
    display: block;
  }
  .open:hover {
    text-decoration: underline;
  }
  .note {
    font-size: 11px;
  }
  .star {
    color: var(--vscode-charts-yellow);
  }
  .star .icon {
    font-size: 14px;
  }
  .versus {
    width: 210px;
  }
  td.versus .tag {
    margin-left: 4px;
  }
  .direction {
    color: var(--secondary);
    text-decoration: underline dotted;
    text-underline-offset: 3px;
  }
  .direction.unknown {
    color: var(--vscode-foreground);
    font-weight: 600;
    padding: 0 6px;
    border: 1px solid color-mix(in srgb, var(--vscode-foreground) 32%, transparent);
    border-radius: 3px;
    line-height: 14px;
    text-decoration: none;
  }
  .versus-button {
    display: flex;
    align-items: center;
    gap: 8px;
    width: 100%;
    height: 22px;
  }
  .bar {
    position: relative;
    width: 64px;
    height: 9px;
    flex: none;
    --bar: var(--secondary);
  }
  .bar::before {
    content: "";
    position: absolute;
    left: 50%;
    top: -2px;
    bottom: -2px;
    border-left: 1px solid color-mix(in srgb, var(--vscode-foreground) 28%, transparent);
  }
  .bar::after {
    content: "";
    position: absolute;
    top: 0;
    bottom: 0;
    width: var(--share);
    background: var(--bar);
  }
  .bar.left::after {
    right: 50%;
  }
  .bar.right::after {
    left: 50%;
  }
  .versus-button[data-better="true"] {
    --tone: var(--vscode-testing-iconPassed);
  }
  .versus-button[data-better="false"] {
    --tone: var(--vscode-testing-iconFailed);
  }
  .versus-button[data-better="true"] .bar,
  .versus-button[data-better="false"] .bar {
    --bar: var(--tone);
  }
  .better,
  .worse {
    color: var(--tone);
  }
  .steps {
    padding-right: 20px;
  }
  @container legend (max-width: 1120px) {
    .note,
    .steps {
      display: none;
    }
    .param {
      max-width: 96px;
    }
  }
  @container legend (max-width: 960px) {
    .param.further {
      display: none;
    }
  }
  /* Run, last value and difference are what remains; changed params stand in the differences. */
  @container legend (max-width: 720px) {
    .param,
    .best,
    .steps {
      display: none;
    }
    .name > span {
      max-width: 200px;
    }
    .versus {
      width: 170px;
    }
    .note {
      display: none;
    }
  }
  @container legend (max-width: 560px) {
    .name > span {
      max-width: 150px;
    }
    th.versus {
      white-space: normal;
    }
    td,
    th {
      padding: 0 4px;
    }
    .versus {
      width: 150px;
    }
  }
`;
