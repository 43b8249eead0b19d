/** One line of the console: a progress bar, or coloured text with the search marked. */
import type { nothing } from "lit";
import { html, type TemplateResult } from "lit";
import { cssProperties } from "../components/css-vars.ts";
import { type AnsiRun, parseAnsi, stripAnsi } from "./ansi.ts";
import { parseProgressBar } from "./terminal-lines.ts";

export function renderLine(line: string, search: string): TemplateResult | TemplateResult[] {
  const bar = line.includes("%|") ? parseProgressBar(stripAnsi(line)) : null;
  if (bar !== null)
    return html`<span class="tqdm"
      ><span>${bar.label}</span><span class="meter"><span class="fill" ${cssProperties({ width: `${String(bar.percent)}%` })}></span></span
      ><span>${bar.percent}%</span><span>${marked(bar.rest, search)}</span></span
    >`;
  return parseAnsi(line).map((run) => styled(run, search));
}

function styled(run: AnsiRun, search: string): TemplateResult {
  const names = [
    typeof run.color === "number" ? `fg${String(run.color)}` : "",
    typeof run.background === "number" ? `bg${String(run.background)}` : "",
    run.bold ? "bold" : "",
    run.dim ? "dim" : "",
    run.italic ? "italic" : "",
    run.underline ? "underline" : "",
  ].filter((name) => name !== "");
  const text = marked(run.text, search);
  if (typeof run.color === "string" || typeof run.background === "string")
    return html`<span
      class="run ${names.join(" ")}"
      ${cssProperties({
        ...(typeof run.color === "string" ? { color: run.color } : {}),
        ...(typeof run.background === "string" ? { background: run.background } : {}),
      })}
      >${text}</span
    >`;
  return html`<span class="run ${names.join(" ")}">${text}</span>`;
}

function marked(text: string, search: string): TemplateResult | string | (TemplateResult | string | typeof nothing)[] {
  if (search === "") return text;
  const lower = text.toLowerCase();
  const needle = search.toLowerCase();
  const parts: (TemplateResult | string)[] = [];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    parts.push(text.slice(from, at), html`<mark>${text.slice(at, at + needle.length)}</mark>`);
    from = at + needle.length;
  }
  return from === 0 ? text : [...parts, text.slice(from)];
}
