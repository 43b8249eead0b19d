/** How the pages look that fill a panel: the page itself, and its head with title, actions and what went wrong. */
import { css } from "lit";

export const pageStyles = css`
  :host {
    height: 100%;
    background: var(--vscode-editor-background);
    container: page / inline-size;
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 12px;
    min-height: 48px;
    padding: 6px 14px 6px 20px;
  }
  h1 {
    margin: 0;
    font-size: 17px;
    line-height: 22px;
    font-weight: 600;
  }
  .actions {
    display: flex;
    align-items: center;
    gap: 8px;
    margin-left: auto;
  }
  .problem {
    flex-basis: 100%;
    font-size: 12px;
    color: var(--vscode-errorForeground);
  }
  @container page (max-width: 720px) {
    .actions .label {
      display: none;
    }
  }
`;

/** Besides, of a page that scrolls as a whole. */
export const scrollingPageStyles = css`
  :host {
    display: block;
    overflow: auto;
  }
  .head {
    border-bottom: 1px solid var(--hairline);
  }
  .none {
    padding: 40px 20px;
    text-align: center;
  }
`;
