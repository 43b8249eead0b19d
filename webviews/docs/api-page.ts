/** Every operation of the run server with a form for what it takes; what is sent is sent for real. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { serverAddress } from "../app/session.ts";
import {
  addressOf,
  curlOf,
  matching,
  operationsOf,
  resolved,
  sample,
  type Filled,
  type OpenApi,
  type Operation,
  type Parameter,
  partsOf,
} from "./operations.ts";

/** Of an answer that is shown; a file may have any size. */
const SHOWN_BYTES = 512 * 1024;

interface Answer {
  readonly status: number;
  readonly milliseconds: number;
  readonly type: string;
  readonly text: string;
  readonly truncated: boolean;
}

@customElement("trainyard-api-page")
export class ApiPage extends LitElement {
  static override styles = css`
    :host {
      display: grid;
      grid-template: auto 1fr / minmax(240px, 340px) 1fr;
      height: 100%;
      font: var(--vscode-font-size) var(--vscode-font-family);
    }
    header {
      grid-column: 1 / -1;
      padding: 8px 16px;
      border-bottom: 1px solid var(--vscode-panel-border);
    }
    h1 {
      font-size: 1.2em;
      font-weight: 600;
      margin: 0;
      display: inline;
    }
    header span {
      color: var(--vscode-descriptionForeground);
      margin-inline-start: 12px;
    }
    nav {
      overflow-y: auto;
      border-inline-end: 1px solid var(--vscode-panel-border);
      padding: 8px;
    }
    main {
      overflow: auto;
      padding: 8px 16px 32px;
    }
    ul {
      list-style: none;
      margin: 8px 0 0;
      padding: 0;
    }
    nav button {
      all: unset;
      box-sizing: border-box;
      display: flex;
      gap: 8px;
      width: 100%;
      padding: 3px 6px;
      cursor: pointer;
      border-radius: 3px;
    }
    nav button:hover {
      background: var(--vscode-list-hoverBackground);
    }
    nav button[aria-current] {
      background: var(--vscode-list-activeSelectionBackground);
      color: var(--vscode-list-activeSelectionForeground);
    }
    button:focus-visible,
    input:focus,
    textarea:focus {
      outline: 1px solid var(--vscode-focusBorder);
      outline-offset: -1px;
    }
    .method {
      flex: none;
      width: 4.5em;
      font-family: var(--vscode-editor-font-family);
      font-size: 0.85em;
      align-self: center;
      opacity: 0.8;
    }
    .path {
      overflow-wrap: anywhere;
    }
    h2 {
      font-size: 1.1em;
      font-weight: 600;
      font-family: var(--vscode-editor-font-family);
      overflow-wrap: anywhere;
      margin: 8px 0;
    }
    label {
      display: block;
      margin: 10px 0 2px;
      font-weight: 600;
    }
    label small {
      font-weight: normal;
      color: var(--vscode-descriptionForeground);
    }
    input,
    textarea,
    select {
      box-sizing: border-box;
      width: 100%;
      max-width: 720px;
      padding: 4px 6px;
      font: inherit;
      color: var(--vscode-input-foreground);
      background: var(--vscode-input-background);
      border: 1px solid var(--vscode-input-border, var(--vscode-panel-border));
    }
    textarea {
      min-height: 140px;
      font-family: var(--vscode-editor-font-family);
      resize: vertical;
    }
    .send {
      all: unset;
      margin: 14px 0;
      padding: 5px 16px;
      cursor: pointer;
      background: var(--vscode-button-background);
      color: var(--vscode-button-foreground);
      border-radius: 2px;
    }
    .send:hover {
      background: var(--vscode-button-hoverBackground);
    }
    pre {
      overflow: auto;
      max-height: 60vh;
      padding: 8px;
      margin: 4px 0;
      background: var(--vscode-textCodeBlock-background, var(--vscode-input-background));
      font: var(--vscode-editor-font-size) var(--vscode-editor-font-family);
      white-space: pre-wrap;
      overflow-wrap: anywhere;
    }
    .error {
      color: var(--vscode-errorForeground);
    }
    .note {
      color: var(--vscode-descriptionForeground);
    }
    td {
      padding: 1px 12px 1px 0;
      vertical-align: top;
    }
    @media (max-width: 640px) {
      :host {
        grid-template: auto 35% 1fr / 1fr;
      }
      nav {
        border-inline-end: none;
        border-bottom: 1px solid var(--vscode-panel-border);
      }
    }
  `;

  @property({ attribute: false }) token = "";
  @state() private document: OpenApi | null = null;
  @state() private problem = "";
  @state() private search = "";
  @state() private chosen: Operation | null = null;
  @state() private values: Readonly<Record<string, string>> = {};
  @state() private body = "";
  @state() private answer: Answer | null = null;
  @state() private sending = false;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.token !== "") void this.#load();
  }

  async #load(): Promise<void> {
    try {
      const response = await this.#fetch("/api/openapi.json", {});
      if (!response.ok)
        throw new Error(response.status === 401 ? "The token is not that of this server." : `The server answered ${response.status}.`);
      this.document = (await response.json()) as OpenApi;
      this.problem = "";
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
  }

  #fetch(address: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${this.token}`);
    return fetch(serverAddress() + address, { ...init, headers });
  }

  #choose(operation: Operation): void {
    this.chosen = operation;
    this.values = {};
    this.answer = null;
    this.problem = "";
    this.body = operation.body === null || this.document === null ? "" : JSON.stringify(sample(operation.body, this.document), null, 2);
  }

  async #send(operation: Operation): Promise<void> {
    this.problem = "";
    this.sending = true;
    const started = performance.now();
    try {
      const address = addressOf(operation, { values: this.values, body: this.body });
      const init = operation.body === null ? {} : { body: this.body, headers: { "content-type": "application/json" } };
      const response = await this.#fetch(address, { method: operation.method, ...init });
      const { text, truncated } = await beginningOf(response);
      const milliseconds = Math.round(performance.now() - started);
      this.answer = { status: response.status, milliseconds, type: response.headers.get("content-type") ?? "", text, truncated };
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.sending = false;
    }
  }

  override render(): TemplateResult {
    const { document } = this;
    if (document === null) return this.#renderToken();
    return html`
      <header>
        <h1>${document.info.title}</h1>
        <span>${document.info.version} · what you send here is done for real</span>
      </header>
      <nav aria-label="Operations">
        <input
          type="search"
          aria-label="Search operations"
          placeholder="Search operations"
          .value=${this.search}
          @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
        />
        <ul>
          ${matching(operationsOf(document), this.search).map(
            (operation) =>
              html`<li>
                <button
                  title=${operation.summary}
                  data-testid=${operation.id}
                  aria-current=${this.chosen?.id === operation.id ? "true" : nothing}
                  @click=${() => {
                    this.#choose(operation);
                  }}
                >
                  <span class="method">${operation.method}</span
                  ><span class="path">${partsOf(operation).map((part) => html`/<wbr />${part}`)}</span>
                </button>
              </li>`,
          )}
        </ul>
      </nav>
      <main>${this.chosen === null ? html`<p class="note">Choose an operation.</p>` : this.#renderOperation(this.chosen, document)}</main>
    `;
  }

  #renderToken(): TemplateResult {
    return html`<main>
      <label for="token"
        >Token of the server
        <small>it stands in the store's .server/discovery.json, and at the end of the address that “trainyard serve” prints</small></label
      >
      <input
        id="token"
        type="password"
        autocomplete="off"
        @change=${(event: Event) => {
          this.token = (event.target as HTMLInputElement).value.trim();
          void this.#load();
        }}
      />
      ${this.problem === "" ? nothing : html`<p class="error" role="alert">${this.problem}</p>`}
    </main>`;
  }

  #renderOperation(operation: Operation, document: OpenApi): TemplateResult {
    return html`
      <h2>${operation.method} ${operation.path}</h2>
      <p>${operation.summary} <span class="note">(${operation.id})</span></p>
      ${operation.parameters.map((parameter) => this.#renderParameter(parameter))}
      ${
        operation.body === null
          ? nothing
          : html`<label for="body">Body <small>JSON</small></label>
              <textarea
                id="body"
                spellcheck="false"
                .value=${this.body}
                @input=${(event: Event) => (this.body = (event.target as HTMLTextAreaElement).value)}
              ></textarea>
              <details>
                <summary>Shape of the body</summary>
                <pre>${JSON.stringify(resolved(operation.body, document), null, 2)}</pre>
              </details>`
      }
      <div>
        <button class="send" data-testid="send" ?disabled=${this.sending} @click=${() => void this.#send(operation)}>
          ${this.sending ? "Sending…" : operation.method === "GET" ? "Send" : `Send ${operation.method}`}
        </button>
      </div>
      <details>
        <summary>As a command</summary>
        <pre>${commandOf(operation, { values: this.values, body: this.body })}</pre>
      </details>
      <div aria-live="polite">
        ${this.problem === "" ? nothing : html`<p class="error" role="alert">${this.problem}</p>`}
        ${this.answer === null ? nothing : renderAnswer(this.answer)}
      </div>
      <details>
        <summary>Answers that there are</summary>
        <table>
          ${operation.answers.map(
            ({ status, description }) =>
              html`<tr>
                <td>${status}</td>
                <td>${description}</td>
              </tr>`,
          )}
        </table>
      </details>
    `;
  }

  #renderParameter({ name, required, description, schema, in: place }: Parameter): TemplateResult {
    const choices = schema.type === "boolean" ? [true, false] : schema.enum;
    const onChange = (event: Event): void => {
      this.values = { ...this.values, [name]: (event.target as HTMLInputElement).value };
    };
    const about = [
      required ? "needed" : "",
      place === "path" ? "in the path" : "",
      description ?? "",
      schema.default === undefined ? "" : `default ${JSON.stringify(schema.default)}`,
    ];
    const id = `parameter-${name}`;
    return html`<label for=${id}>${name} <small>${about.filter(Boolean).join(" · ")}</small></label> ${
        choices === undefined
          ? html`<input id=${id} autocomplete="off" spellcheck="false" .value=${this.values[name] ?? ""} @input=${onChange} />`
          : html`<select id=${id} .value=${this.values[name] ?? ""} @change=${onChange}>
              <option value=""></option>
              ${choices.map((choice) => html`<option>${String(choice)}</option>`)}
            </select>`
      }`;
  }
}

function commandOf(operation: Operation, filled: Filled): string {
  try {
    return curlOf(serverAddress(), operation, filled);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function renderAnswer({ status, milliseconds, type, text, truncated }: Answer): TemplateResult {
  return html`<p data-testid="answer" class=${status < 400 ? "" : "error"}>${status} · ${milliseconds} ms · ${type}</p>
    <pre data-testid="answer-text">${text}</pre>
    ${truncated ? html`<p class="note">Only the beginning is shown.</p>` : nothing}`;
}

/** At most so much of it; JSON indented where it is whole. */
async function beginningOf(response: Response): Promise<{ text: string; truncated: boolean }> {
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  while (reader !== undefined && bytes < SHOWN_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    bytes += value.length;
  }
  await reader?.cancel();
  const text = await new Blob(pieces as BlobPart[]).text();
  const truncated = bytes >= SHOWN_BYTES;
  try {
    return { text: truncated ? text : JSON.stringify(JSON.parse(text), null, 2), truncated };
  } catch {
    return { text, truncated };
  }
}
