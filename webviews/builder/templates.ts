/** Templates of the workspace in the builder: whole documents that this one can be started from, and that it can be kept as. */
import { html, type TemplateResult } from "lit";
import { slugOf } from "../../protocol/ids.ts";
import type { Template } from "../../protocol/preset.ts";
import { icon } from "../components/icons.ts";
import type { Transport } from "../transport/transport.ts";
import "./named-menu.ts";

export interface TemplatesView {
  readonly list: readonly Template[];
  /** The text of the document, which would be saved. */
  readonly text: string;
  readonly transport: Transport;
  readonly choose: (template: Template) => void;
  readonly changed: () => void;
}

export function templateMenu({ list, text, transport, choose, changed }: TemplatesView): TemplateResult {
  return html`<ty-named-menu
    .one=${"template"}
    folder="trainyard_templates"
    symbol="file"
    .names=${list.map(({ name }) => name)}
    .save=${(name: string) => transport.request("saveTemplate", { body: { name: slugOf(name) ?? name, text } })}
    .discard=${(name: string) => transport.request("deleteTemplate", { query: { name } })}
    @choose-named=${(event: CustomEvent<string>) => {
      const chosen = list.find(({ name, problem }) => name === event.detail && problem === null);
      if (chosen !== undefined) choose(chosen);
    }}
    @named-changed=${changed}
  ></ty-named-menu>`;
}

/** The templates among what a document can be started from. */
export function templateSteps({ list, choose }: TemplatesView): TemplateResult[] {
  return list.map(
    (template) =>
      html`<button
        class="step from"
        data-testid="template-${template.name}"
        title=${template.problem?.message ?? `Fill the form from the template ${template.name}`}
        ?disabled=${template.problem !== null}
        @click=${() => {
          choose(template);
        }}
      >
        ${icon(template.problem === null ? "file" : "warning")}<span class="truncate"
          >${template.name}${template.line === null ? "" : ` · line ${template.line}`}</span
        >
      </button>`,
  );
}
