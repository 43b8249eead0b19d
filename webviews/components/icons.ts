/** The codicons in use, by code point: the font is loaded once by the page, so no stylesheet is needed in shadow roots. */
import { css, html, type TemplateResult } from "lit";

export const CODICONS = {
  sync: 0xea77,
  pass: 0xeba4,
  error: 0xea87,
  "circle-slash": 0xeabd,
  clock: 0xea82,
  warning: 0xea6c,
  info: 0xea74,
  "debug-stop": 0xead7,
  "debug-start": 0xead3,
  "debug-restart": 0xead2,
  "debug-disconnect": 0xead0,
  "repo-forked": 0xea63,
  "git-commit": 0xeafc,
  history: 0xea82,
  "star-full": 0xeb59,
  "star-empty": 0xea6a,
  copy: 0xebcc,
  "folder-opened": 0xeaf7,
  search: 0xea6d,
  filter: 0xeaf1,
  "chevron-down": 0xeab4,
  "chevron-left": 0xeab5,
  "chevron-right": 0xeab6,
  "chevron-up": 0xeab7,
  "screen-full": 0xeb4c,
  "screen-normal": 0xeb4d,
  bookmark: 0xeaa5,
  close: 0xea76,
  refresh: 0xeb37,
  add: 0xea60,
  save: 0xeb4b,
  discard: 0xeae2,
  export: 0xebac,
  table: 0xebb7,
  "graph-line": 0xebe2,
  beaker: 0xea79,
  edit: 0xea73,
  "arrow-down": 0xea9a,
  file: 0xea7b,
  "circle-outline": 0xeabc,
  "file-media": 0xeaea,
  eye: 0xea70,
  "eye-closed": 0xeae7,
  layers: 0xebd2,
  "list-ordered": 0xeb16,
  archive: 0xea98,
  trash: 0xea81,
  tag: 0xea66,
  "arrow-up": 0xeaa1,
  "arrow-right": 0xea9c,
  "git-compare": 0xeafd,
  terminal: 0xea85,
  server: 0xeb50,
  "settings-gear": 0xeb51,
  pin: 0xeb2b,
  "list-tree": 0xeb86,
  "graph-scatter": 0xebe3,
  database: 0xeace,
} as const;
export type IconName = keyof typeof CODICONS;

/** Decorative: the control around it carries the name. */
export function icon(name: IconName, spin = false): TemplateResult {
  return html`<span class="icon ${spin ? "spin" : ""}" data-icon=${name} aria-hidden="true">${String.fromCodePoint(CODICONS[name])}</span>`;
}

export const iconStyles = css`
  .icon {
    font: normal normal normal 16px/1 codicon;
    display: inline-block;
    text-rendering: auto;
    -webkit-font-smoothing: antialiased;
    user-select: none;
    flex: none;
  }
  @media (prefers-reduced-motion: no-preference) {
    .icon.spin {
      animation: spin 1.6s linear infinite;
    }
  }
  @keyframes spin {
    to {
      transform: rotate(360deg);
    }
  }
`;
