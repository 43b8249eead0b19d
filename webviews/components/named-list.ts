/** A menu of things that are kept under names: one is chosen or removed, what there is now is saved under a name. */
import { css, html, nothing, type TemplateResult } from "lit";
import { icon } from "./icons.ts";
import { hoverSurface } from "./styles.ts";

export const namedListStyles = css`
  :host {
    position: relative;
    display: inline-block;
    font-size: 12px;
  }
  .open {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    max-width: 220px;
  }
  .open .icon {
    font-size: 14px;
  }
  .list {
    position: absolute;
    z-index: 20;
    top: calc(100% + 4px);
    right: 0;
    width: min(280px, calc(100vw - 24px));
    max-height: min(400px, 70vh);
    overflow: auto;
    padding: 8px;
    ${hoverSurface}
  }
  @container page (max-width: 560px) {
    .list {
      position: fixed;
      left: 12px;
      right: 12px;
      top: auto;
      width: auto;
    }
  }
  .line {
    display: flex;
    align-items: center;
  }
  .name {
    flex: 1;
    min-width: 0;
    height: 24px;
    padding: 0 6px;
    border-radius: 3px;
    text-align: left;
  }
  .name:hover {
    background: var(--hover);
  }
  .name[aria-current="true"] {
    font-weight: 600;
  }
  form {
    display: flex;
    gap: 6px;
    margin-top: 6px;
  }
  form .input {
    flex: 1;
  }
  form .button {
    height: 24px;
  }
  .problem {
    margin-top: 6px;
    color: var(--vscode-errorForeground);
  }
  .empty {
    padding: 0 6px;
  }
`;

export interface NamedList {
  /** What one of them is called: "view". */
  readonly one: string;
  readonly names: readonly string[];
  /** The one that the page shows, or has changed since. */
  readonly current: string | null;
  /** What is written into the field of a new name. */
  readonly typed: string;
  readonly problem: string | null;
  readonly type: (text: string) => void;
  readonly choose: (name: string) => void;
  readonly remove: (name: string) => void;
  readonly save: (name: string) => void;
  readonly close: () => void;
}

/** The open menu. Escape closes it. */
export function namedList(list: NamedList): TemplateResult {
  const { one, names, typed } = list;
  return html`<div
    class="list"
    role="dialog"
    aria-label="Saved ${one}s"
    @keydown=${(event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      list.close();
    }}
  >
    ${names.length === 0 ? html`<div class="empty secondary">No ${one} is saved yet.</div>` : nothing}
    ${names.map((name) => line(list, name))}
    <form
      @submit=${(event: Event) => {
        event.preventDefault();
        list.save(typed.trim());
      }}
    >
      <input
        class="input"
        required
        maxlength="100"
        placeholder="Name of this ${one}"
        aria-label="Name of this ${one}"
        data-testid="saved-name"
        .value=${typed}
        @input=${(event: Event) => {
          list.type((event.target as HTMLInputElement).value);
        }}
      /><button class="button" data-testid="saved-save">${names.includes(typed.trim()) ? "Replace" : "Save"}</button>
    </form>
    ${list.problem === null ? nothing : html`<div class="problem" role="alert">${list.problem}</div>`}
  </div>`;
}

function line(list: NamedList, name: string): TemplateResult {
  return html`<div class="line">
    <button
      class="name truncate"
      aria-current=${name === list.current ? "true" : "false"}
      data-testid="saved-item"
      @click=${() => {
        list.choose(name);
      }}
    >
      ${name}</button
    ><button
      class="icon-button"
      aria-label="Remove ${name}"
      title="Remove ${name}"
      data-testid="saved-remove"
      @click=${() => {
        list.remove(name);
      }}
    >
      ${icon("trash")}
    </button>
  </div>`;
}
