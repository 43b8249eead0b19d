/** Styles that all applications share: type, hairlines, buttons, tags. Every colour is a token of the editor's theme. */
import { css } from "lit";
import { iconStyles } from "./icons.ts";

/** What floats over the page, as the editor's own hovers do: declarations to put into a rule. */
export const hoverSurface = css`
  color: var(--vscode-editorHoverWidget-foreground, var(--vscode-foreground));
  background: var(--vscode-editorHoverWidget-background);
  border: 1px solid var(--vscode-editorHoverWidget-border, var(--vscode-contrastBorder, transparent));
  border-radius: 4px;
  box-shadow: 0 2px 8px var(--vscode-widget-shadow, rgba(0, 0, 0, 0.36));
`;

export const baseStyles = [
  iconStyles,
  css`
    :host {
      --secondary: color-mix(in srgb, var(--vscode-foreground) 74%, var(--vscode-editor-background));
      --hairline: var(--vscode-panel-border, var(--vscode-contrastBorder, color-mix(in srgb, var(--vscode-foreground) 20%, transparent)));
      --hover: var(--vscode-list-hoverBackground, color-mix(in srgb, var(--vscode-foreground) 8%, transparent));
      --focus: var(--vscode-focusBorder);
      font-family: var(--vscode-font-family);
      font-size: 13px;
      line-height: 18px;
      color: var(--vscode-foreground);
      font-variant-numeric: tabular-nums;
      box-sizing: border-box;
    }
    :host([hidden]) {
      display: none;
    }
    *,
    *::before,
    *::after {
      box-sizing: border-box;
    }
    :focus-visible {
      outline: 1px solid var(--focus);
      outline-offset: -1px;
    }
    .secondary {
      color: var(--secondary);
    }
    @media (forced-colors: active) {
      /* Colours that tell lines apart, and surfaces that are the value, say something: the system's would say nothing. */
      .swatch,
      span.bar,
      .track,
      input[type="range"] {
        forced-color-adjust: none;
      }
    }
    .mono {
      font-family: var(--vscode-editor-font-family, monospace);
      font-size: 12px;
    }
    button {
      font: inherit;
      color: inherit;
      border: 0;
      background: none;
      padding: 0;
      cursor: pointer;
    }
    button:disabled {
      cursor: default;
      opacity: 0.5;
    }
    .button {
      display: inline-flex;
      align-items: center;
      justify-content: center;
      gap: 6px;
      height: 26px;
      padding: 0 10px;
      border-radius: 4px;
      border: 1px solid var(--vscode-button-border, color-mix(in srgb, var(--vscode-foreground) 26%, transparent));
      white-space: nowrap;
    }
    .button:hover:not(:disabled) {
      background: var(--hover);
    }
    .button.primary {
      color: var(--vscode-button-foreground);
      background: var(--vscode-button-background);
      border-color: var(--vscode-button-border, transparent);
    }
    .button.primary:hover:not(:disabled) {
      background: var(--vscode-button-hoverBackground);
    }
    .icon-button {
      display: inline-flex;
      align-items: center;
      justify-content: center;
      width: 22px;
      height: 22px;
      border-radius: 4px;
    }
    .icon-button:hover:not(:disabled) {
      background: var(--vscode-toolbar-hoverBackground, var(--hover));
    }
    :where(.icon-button:hover:not(:disabled)) {
      outline: 1px dashed var(--vscode-toolbar-hoverOutline, transparent);
      outline-offset: -1px;
    }
    .toggle {
      height: 22px;
      padding: 0 8px;
      border-radius: 4px;
      white-space: nowrap;
    }
    .toggle:hover {
      background: var(--hover);
    }
    .toggle[aria-pressed="true"],
    .segments [aria-checked="true"] {
      background: color-mix(in srgb, var(--vscode-foreground) 13%, transparent);
    }
    /* High contrast themes have no grounds to tell the chosen by: they name a border for it. The ring of the focus comes before it. */
    :where(
      .toggle[aria-pressed="true"],
      [role="radio"][aria-checked="true"],
      select.chosen,
      [aria-selected="true"],
      [aria-current="page"]
    ) {
      outline: 1px solid var(--vscode-contrastActiveBorder, transparent);
      outline-offset: -1px;
    }
    /* As the editor draws them: the browser's own are white in a dark theme. */
    input[type="checkbox"] {
      appearance: none;
      display: inline-grid;
      place-content: center;
      flex: none;
      width: 16px;
      height: 16px;
      margin: 0;
      color: var(--vscode-checkbox-foreground, var(--vscode-foreground));
      background: var(--vscode-checkbox-background, var(--vscode-input-background));
      border: 1px solid var(--vscode-checkbox-border, var(--vscode-contrastBorder, transparent));
      border-radius: 3px;
    }
    input[type="checkbox"]::before {
      font: 12px/1 codicon;
    }
    input[type="checkbox"]:checked::before {
      content: "\\eab2";
    }
    input[type="checkbox"]:indeterminate::before {
      content: "\\eacc";
    }
    input[type="checkbox"]:disabled {
      opacity: 0.5;
    }
    .segments {
      display: inline-flex;
      border: 1px solid var(--vscode-contrastBorder, color-mix(in srgb, var(--vscode-foreground) 20%, transparent));
      border-radius: 4px;
      overflow: hidden;
    }
    .segments button {
      height: 22px;
      padding: 0 8px;
      white-space: nowrap;
    }
    .segments button + button {
      border-left: 1px solid var(--vscode-contrastBorder, color-mix(in srgb, var(--vscode-foreground) 20%, transparent));
    }
    .tag {
      display: inline-block;
      height: 16px;
      line-height: 14px;
      padding: 0 5px;
      border-radius: 3px;
      border: 1px solid var(--vscode-contrastBorder, color-mix(in srgb, var(--vscode-foreground) 32%, transparent));
      font-size: 11px;
      white-space: nowrap;
    }
    .link {
      color: var(--vscode-textLink-foreground);
      text-decoration: none;
      cursor: pointer;
    }
    .link:hover {
      text-decoration: underline;
    }
    .input {
      height: 24px;
      padding: 0 8px;
      font: inherit;
      color: var(--vscode-input-foreground);
      background: var(--vscode-input-background);
      border: 1px solid var(--vscode-input-border, color-mix(in srgb, var(--vscode-foreground) 20%, transparent));
      border-radius: 4px;
      min-width: 0;
    }
    .input::placeholder {
      color: var(--vscode-input-placeholderForeground);
    }
    .input:focus {
      outline: 1px solid var(--focus);
      outline-offset: -1px;
    }
    select.input {
      color: var(--vscode-dropdown-foreground, var(--vscode-input-foreground));
      background: var(--vscode-dropdown-background, var(--vscode-input-background));
      padding: 0 4px;
    }
    /* Of a page of which nothing is known yet: no skeletons, no spinners. */
    .loading {
      position: absolute;
      top: 0;
      left: 0;
      width: 30%;
      height: 2px;
      background: var(--vscode-progressBar-background);
    }
    @media (prefers-reduced-motion: no-preference) {
      .loading {
        animation: load 1.4s linear infinite;
      }
    }
    @keyframes load {
      from {
        left: -30%;
      }
      to {
        left: 100%;
      }
    }
    .visually-hidden {
      position: absolute;
      width: 1px;
      height: 1px;
      overflow: hidden;
      clip-path: inset(50%);
      white-space: nowrap;
    }
    .truncate {
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    ::-webkit-scrollbar {
      width: 10px;
      height: 10px;
    }
    ::-webkit-scrollbar-thumb {
      background: var(--vscode-scrollbarSlider-background, rgba(121, 121, 121, 0.4));
    }
    ::-webkit-scrollbar-corner {
      background: transparent;
    }
  `,
];
