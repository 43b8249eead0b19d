import { css } from "lit";

export const artifactListStyles = css`
  :host {
    display: block;
    height: 100%;
    font-size: 12px;
    container: artifacts / inline-size;
  }
  .page {
    display: grid;
    grid-template-columns: minmax(260px, 38%) minmax(0, 1fr);
    height: 100%;
  }
  .page.alone {
    grid-template-columns: minmax(0, 1fr);
  }
  .files {
    overflow: auto;
    min-height: 0;
  }
  ty-artifact-preview {
    border-left: 1px solid var(--hairline);
    min-width: 0;
    min-height: 0;
  }
  .tools {
    display: flex;
    align-items: center;
    gap: 8px;
    padding: 4px 12px 4px 20px;
    position: sticky;
    top: 0;
    background: var(--vscode-panel-background);
  }
  .tools .input {
    flex: 1 1 80px;
    max-width: 240px;
  }
  .tools .icon-button {
    margin-left: auto;
  }
  .none {
    margin: 0;
    padding: 8px 20px;
  }
  .error {
    color: var(--vscode-errorForeground);
  }
  .row {
    display: grid;
    grid-template-columns: 20px minmax(80px, 1fr) 80px 120px 60px;
    align-items: center;
    gap: 8px;
    width: 100%;
    height: 22px;
    padding: 0 12px 0 20px;
    text-align: left;
  }
  .row:hover {
    background: var(--hover);
  }
  .row[aria-selected="true"] {
    color: var(--vscode-list-activeSelectionForeground);
    background: var(--vscode-list-activeSelectionBackground);
    --secondary: currentColor;
  }
  .row .icon {
    font-size: 14px;
  }
  .steps {
    white-space: nowrap;
  }
  .size {
    text-align: right;
    white-space: nowrap;
  }
  /* Names matter most where there is little room. */
  @container artifacts (max-width: 1180px) {
    .page:not(.alone) .type {
      display: none;
    }
    .page:not(.alone) .row {
      grid-template-columns: 20px minmax(0, 1fr) auto 60px;
    }
  }
  @container artifacts (max-width: 820px) {
    .type {
      display: none;
    }
    .row {
      grid-template-columns: 20px minmax(0, 1fr) auto 60px;
    }
    .page:not(.alone) .steps {
      display: none;
    }
    .page:not(.alone) .row {
      grid-template-columns: 20px minmax(0, 1fr) 60px;
    }
  }
  @container artifacts (max-width: 560px) {
    .page:not(.alone) {
      grid-template-columns: minmax(0, 1fr);
      grid-template-rows: minmax(88px, 30%) minmax(0, 1fr);
    }
    ty-artifact-preview {
      border-left: 0;
      border-top: 1px solid var(--hairline);
    }
  }
`;

export const artifactPreviewStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    font-size: 12px;
  }
  header {
    display: flex;
    align-items: center;
    gap: 12px;
    padding: 4px 12px;
    flex: none;
  }
  .name {
    flex: 1;
    min-width: 0;
  }
  h2 {
    margin: 0;
    font-size: 12px;
    font-weight: 600;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .actions {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .actions .button {
    height: 24px;
    padding: 0 8px;
  }
  .slider {
    display: flex;
    align-items: center;
    gap: 12px;
    padding: 0 12px 4px;
    flex: none;
  }
  .slider input {
    flex: 1;
    min-width: 60px;
    max-width: 420px;
    accent-color: var(--vscode-button-background);
  }
  .slider span {
    white-space: nowrap;
    font-variant-numeric: tabular-nums;
  }
  .body {
    flex: 1;
    min-height: 0;
    overflow: auto;
    padding: 0 12px 8px;
  }
  .note {
    margin: 4px 0;
    overflow-wrap: anywhere;
  }
  .error {
    color: var(--vscode-errorForeground);
  }
  .content {
    margin: 0;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
    tab-size: 4;
  }
  img {
    display: block;
    max-width: 100%;
    max-height: calc(100% - 4px);
    min-height: min(128px, 100%);
    object-fit: contain;
    object-position: left top;
  }
  audio {
    display: block;
    width: min(420px, 100%);
    height: 40px;
    margin-top: 4px;
  }
  .pages {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 8px;
    padding-bottom: 2px;
  }
  table {
    border-collapse: collapse;
  }
  .grid th,
  .grid td {
    padding: 2px 12px 2px 0;
    max-width: 320px;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    text-align: left;
    font-weight: 400;
  }
  .grid thead th {
    position: sticky;
    top: 0;
    font-weight: 600;
    background: var(--vscode-panel-background);
  }
  .grid .number {
    text-align: right;
    font-variant-numeric: tabular-nums;
  }
  .grid tbody tr:hover {
    background: var(--hover);
  }
  .facts th {
    text-align: left;
    font-weight: 400;
    white-space: nowrap;
    vertical-align: top;
    padding: 2px 16px 2px 0;
  }
  .facts td {
    overflow-wrap: anywhere;
    white-space: pre-wrap;
  }
  details {
    margin-top: 8px;
  }
  summary {
    cursor: pointer;
  }
`;
