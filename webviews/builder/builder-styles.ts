import { css } from "lit";

/** Heads of sections and names of fields: of the form, and of the sweep that is a part of it. */
export const formPartStyles = css`
  .section {
    display: flex;
    align-items: center;
    gap: 8px;
    height: 34px;
    margin: 4px -20px;
    padding: 0 20px;
    border-bottom: 1px solid var(--hairline);
    font-size: 12px;
  }
  .section h2 {
    margin: 0;
    font-size: 12px;
    font-weight: 600;
  }
  .name {
    display: grid;
    min-width: 0;
  }
  .key {
    font-size: 11px;
    line-height: 14px;
    overflow-wrap: anywhere;
  }
`;

export const builderStyles = css`
  :host {
    display: block;
    height: 100%;
    background: var(--vscode-editor-background);
    container: builder / inline-size;
  }
  .page {
    height: 100%;
    display: grid;
    grid-template-rows: auto minmax(0, 1fr);
  }
  .header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px 8px;
    min-height: 48px;
    padding: 8px 20px;
    border-bottom: 1px solid var(--hairline);
  }
  h1 {
    margin: 0 8px 0 0;
    font-size: 17px;
    font-weight: 600;
  }
  .header .input.title {
    width: 210px;
  }
  .header .input.project {
    width: 130px;
  }
  .presets {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    margin-left: auto;
  }
  .body {
    display: grid;
    grid-template-columns: 200px minmax(0, 1fr) 380px;
    min-height: 0;
  }
  .steps {
    border-right: 1px solid var(--hairline);
    padding: 8px 0;
    overflow: auto;
  }
  .step {
    display: grid;
    grid-template-columns: 16px minmax(0, 1fr);
    gap: 0 8px;
    width: 100%;
    padding: 6px 14px 6px 20px;
    text-align: left;
  }
  .step:hover {
    background: var(--hover);
  }
  .step .note {
    grid-column: 2;
    font-size: 11px;
  }
  .step .ok,
  .section .ok {
    color: var(--vscode-testing-iconPassed);
  }
  .warn {
    color: var(--vscode-charts-yellow);
  }
  .bad {
    color: var(--vscode-testing-iconFailed);
  }
  .start-from {
    margin-top: 10px;
    font-size: 12px;
  }
  .start-from > .secondary {
    display: block;
    margin: 0 20px;
    padding-top: 10px;
    border-top: 1px solid var(--hairline);
  }
  .step.from {
    align-items: center;
    padding-top: 3px;
    padding-bottom: 3px;
  }
  .show {
    display: grid;
    gap: 6px;
    margin: 10px 20px 0;
    padding-top: 10px;
    border-top: 1px solid var(--hairline);
    font-size: 12px;
  }
  .form {
    overflow: auto;
    padding: 0 20px 24px;
    container: form / inline-size;
  }
  .section > :last-child {
    display: inline-flex;
    margin-left: auto;
  }
  .missing {
    color: var(--vscode-errorForeground);
  }
  .field {
    position: relative;
    display: grid;
    grid-template-columns: minmax(110px, 190px) minmax(0, 1fr) auto;
    align-items: center;
    gap: 0 10px;
    min-height: 36px;
    padding: 3px 0;
  }
  .field.changed::before {
    content: "";
    position: absolute;
    left: -12px;
    top: 6px;
    bottom: 6px;
    width: 2px;
    background: var(--vscode-charts-blue);
  }
  .name label {
    line-height: 16px;
  }
  .control {
    display: flex;
    align-items: center;
    gap: 4px 8px;
    min-width: 0;
  }
  .note {
    font-size: 11px;
    white-space: nowrap;
  }
  .origin {
    font-size: 11px;
    text-align: right;
    max-width: 200px;
  }
  .origin .icon {
    font-size: 12px;
    vertical-align: -2px;
  }
  .offers {
    grid-column: 2 / -1;
    display: flex;
    flex-wrap: wrap;
    gap: 4px;
    margin: 2px 0 4px;
  }
  .offer {
    max-width: 220px;
    height: 20px;
    padding: 0 7px;
    border-radius: 10px;
    border: 1px solid color-mix(in srgb, var(--vscode-foreground) 20%, transparent);
    color: var(--vscode-textLink-foreground);
    font-size: 11px;
  }
  .offer:hover {
    background: var(--hover);
  }
  .notice {
    display: flex;
    align-items: center;
    gap: 8px;
    padding: 6px 20px;
    font-size: 12px;
    border-bottom: 1px solid var(--vscode-inputValidation-errorBorder);
    background: var(--vscode-inputValidation-errorBackground);
  }
  .notice .button {
    margin-left: auto;
    flex: none;
  }
  .left-out {
    display: block;
    border-color: var(--vscode-inputValidation-warningBorder);
    background: var(--vscode-inputValidation-warningBackground);
  }
  .left-out summary {
    cursor: pointer;
  }
  .left-out summary .icon {
    margin-right: 8px;
    vertical-align: -3px;
  }
  .left-out ul {
    margin: 4px 0 2px;
    padding-left: 22px;
    overflow-wrap: anywhere;
  }
  [inert] {
    opacity: 0.6;
  }
  .field-problem {
    grid-column: 2 / -1;
    display: flex;
    gap: 6px;
    margin: 4px 0;
    padding: 6px 10px;
    border-radius: 4px;
    font-size: 12px;
  }
  .field-problem.warning {
    background: var(--vscode-inputValidation-warningBackground);
    border: 1px solid var(--vscode-inputValidation-warningBorder);
  }
  .field-problem.info {
    border: 1px solid var(--hairline);
  }
  .field-problem.error {
    background: var(--vscode-inputValidation-errorBackground);
    border: 1px solid var(--vscode-inputValidation-errorBorder);
  }
  /* The input in it is square, and with a ground of its own would cover the round corners. */
  vscode-textfield {
    --vscode-settings-textInputBackground: transparent;
    background: var(--vscode-input-background);
    border-radius: 4px;
  }
  vscode-textfield.wide,
  vscode-textarea,
  vscode-single-select {
    flex: 1;
    width: auto;
    min-width: 0;
    max-width: 360px;
  }
  vscode-textfield.number {
    width: 110px;
    flex: none;
  }
  .problem-page {
    padding: 40px 20px;
    display: grid;
    gap: 8px;
    justify-items: center;
    text-align: center;
  }
  .step-select {
    display: none;
  }
  @container builder (max-width: 1240px) {
    .body {
      grid-template-columns: 176px minmax(0, 1fr) 320px;
    }
  }
  /* Where a value comes from moves below it. */
  @container form (max-width: 520px) {
    .field {
      grid-template-columns: minmax(96px, 140px) minmax(0, 1fr);
    }
    .origin {
      grid-column: 2;
      text-align: left;
      max-width: none;
      padding-top: 1px;
    }
  }
  @container builder (max-width: 1000px) {
    .page {
      grid-template-rows: auto auto;
      height: auto;
    }
    :host {
      overflow: auto;
    }
    .body {
      grid-template-columns: minmax(0, 1fr);
    }
    .steps .step,
    .start-from {
      display: none;
    }
    .steps {
      border-right: 0;
      padding: 8px 20px;
    }
    .step-select {
      display: block;
      width: 100%;
    }
    .show {
      margin: 8px 0 0;
      padding: 0;
      border: 0;
      display: flex;
      flex-wrap: wrap;
      gap: 12px;
    }
    .form {
      overflow: visible;
    }
    .preview {
      border-left: 0;
      border-top: 1px solid var(--hairline);
      position: sticky;
      bottom: 0;
    }
    .preview .code {
      max-height: 120px;
    }
    .presets {
      margin-left: 0;
    }
  }
  @container builder (max-width: 560px) {
    .field {
      grid-template-columns: minmax(0, 1fr);
    }
    .field-problem,
    .offers {
      grid-column: 1;
    }
    .origin {
      grid-column: 1;
    }
    .header .input.title,
    .header .input.project {
      width: 100%;
    }
  }
`;
