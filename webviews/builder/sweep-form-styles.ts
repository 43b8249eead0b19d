import { css } from "lit";

/** As the fields of the form above it. */
export const sweepFormStyles = css`
  :host {
    display: block;
  }
  .section .icon-button {
    margin-left: auto;
  }
  .begin {
    margin: 6px 0;
  }
  .field {
    display: grid;
    grid-template-columns: minmax(110px, 150px) minmax(0, 1fr);
    align-items: center;
    gap: 0 10px;
    min-height: 36px;
    padding: 3px 0;
  }
  .control {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 8px;
    min-width: 0;
  }
  .number {
    width: 90px;
  }
  .wide {
    flex: 1 1 140px;
    max-width: 320px;
  }
  .note {
    font-size: 11px;
  }
  select.input {
    max-width: 100%;
  }
  .field-problem {
    grid-column: 2;
    display: flex;
    gap: 6px;
    margin: 4px 0;
    padding: 6px 10px;
    border-radius: 4px;
    font-size: 12px;
    background: var(--vscode-inputValidation-errorBackground);
    border: 1px solid var(--vscode-inputValidation-errorBorder);
  }
  @container form (max-width: 420px) {
    .field {
      grid-template-columns: minmax(0, 1fr);
    }
    .field-problem {
      grid-column: 1;
    }
  }
`;
