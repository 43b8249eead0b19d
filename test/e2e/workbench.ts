/** One VS Code window: what a user does in it, by roles and labels. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { FrameLocator, Locator, Page } from "playwright-core";
import { until } from "../support/processes.ts";

const EXTENSION = "trainyard.trainyard";
/** Two fifths of it hold 70 rows of the palette and more. */
const TALL_PX = 4400;

export class Workbench {
  private constructor(
    readonly page: Page,
    private readonly url: string,
    private readonly results: string,
  ) {}

  static async open(page: Page, url: string, results: string): Promise<Workbench> {
    const workbench = new Workbench(page, url, results);
    await workbench.load();
    return workbench;
  }

  /** Loads the window again, as Developer: Reload Window does. */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.ready();
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  private async load(): Promise<void> {
    await this.page.goto(this.url);
    await this.ready();
  }

  private async ready(): Promise<void> {
    await this.page.locator(".monaco-workbench.vs-dark").waitFor({ timeout: 60_000 });
    await this.page.locator(".activitybar .action-item").first().waitFor();
  }

  /** Runs a command through the palette. @param title as it stands there, category included */
  async runCommand(title: string): Promise<void> {
    const row = this.quickInput.locator(".monaco-list-row.focused", { hasText: title });
    await this.#offer(`>${title}`, row);
    await this.page.keyboard.press("Enter");
    await row.waitFor({ state: "hidden" });
  }

  /**
   * The commands of a category that the palette offers, once `sign` is among them: the palette filters after what is typed has stood for a while.
   * It draws the rows in sight only, and takes two fifths of the window: in one that is tall enough all are drawn at once.
   */
  async offered(category: string, sign: string): Promise<string[]> {
    const size = this.page.viewportSize();
    if (size === null) throw new Error("the window has no size of its own");
    await this.page.setViewportSize({ ...size, height: TALL_PX });
    try {
      const titles = this.quickInput.locator(".monaco-list-row .label-name");
      await this.#offer(`>${category}: `, titles.getByText(`${category}: ${sign}`, { exact: true }));
      const texts = await titles.allInnerTexts();
      await this.page.keyboard.press("Escape");
      await this.quickInput.waitFor({ state: "hidden" });
      // Spaces at the borders of what matched are drawn so that they stay.
      const all = texts.map((text) => text.replaceAll("\u00a0", " "));
      return all.filter((text) => text.startsWith(`${category}: `)).map((text) => text.slice(category.length + 2));
    } finally {
      await this.page.setViewportSize(size);
    }
  }

  /** Opens a file of the workspace as Go to File does. */
  async openFile(name: string): Promise<void> {
    await this.#offer(name, this.quickInput.locator(".monaco-list-row.focused", { hasText: name }));
    await this.page.keyboard.press("Enter");
    await this.tab(name).waitFor();
  }

  get quickInput(): Locator {
    return this.page.locator(".quick-input-widget");
  }

  /** Types into the palette until it offers `row`: an editor that opens only now takes the focus, and with that the palette, away. */
  async #offer(text: string, row: Locator): Promise<void> {
    await until(`the palette to offer ${text}`, async () => {
      await this.openPalette(text);
      await row.waitFor({ timeout: 5_000 });
      return true;
    });
  }

  private async openPalette(text: string): Promise<void> {
    const input = this.quickInput.locator("input.input");
    // The workbench swallows F1 while it is still settling, or closes again what it has just opened.
    await until("the palette", async () => {
      await this.page.keyboard.press("F1");
      // One that is open already looks for the same text only once, and what it can offer may have changed since.
      await input.fill("", { timeout: 3_000 });
      await input.fill(text, { timeout: 3_000 });
      return true;
    });
  }

  /** Picks an entry of an open quick pick. */
  async pick(label: string | RegExp): Promise<void> {
    await this.quickInput.locator(".monaco-list-row", { hasText: label }).first().click();
  }

  /** Answers an input box. @param title stands above it */
  async answer(title: string | RegExp, text: string): Promise<void> {
    // Typed before the box has come, the text would go to whatever had the focus.
    await this.quickInput.locator(".quick-input-title", { hasText: title }).waitFor();
    await this.quickInput.locator("input.input").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /** Types a path into a dialog for files. @param title stands above it */
  async answerDialog(title: string, file: string): Promise<void> {
    const input = await this.#dialog(title);
    const heading = this.quickInput.locator(".quick-input-title", { hasText: title });
    // It takes no Enter while it still looks at what was typed.
    await until("the dialog to take the path", async () => {
      await this.#typePath(input, file);
      await input.press("Enter");
      return heading.waitFor({ state: "hidden", timeout: 3_000 }).then(
        () => true,
        () => false,
      );
    });
  }

  /** Takes a folder in a dialog for folders. @param holds a folder inside of it: once that is listed, the dialog is there */
  async chooseFolder(title: string, folder: string, holds: string): Promise<void> {
    const input = await this.#dialog(title);
    const inside = this.quickInput.locator(".monaco-list-row").getByText(holds, { exact: true });
    await until("the dialog to list the folder", async () => {
      await this.#typePath(input, `${folder}/`);
      return inside.waitFor({ timeout: 3_000 }).then(
        () => true,
        () => false,
      );
    });
    await this.quickInput.locator(".quick-input-action .monaco-button").first().click();
  }

  /** The line of a dialog for files: what came before it may have the same title, but no path in it. */
  async #dialog(title: string): Promise<Locator> {
    await this.quickInput.locator(".quick-input-title", { hasText: title }).waitFor();
    const input = this.quickInput.locator("input.input");
    await until("a dialog for files", async () => (await input.inputValue()).startsWith("/"));
    return input;
  }

  /** A dialog that is still settling puts the folder that it begins with before what is typed, or in its place. */
  async #typePath(input: Locator, text: string): Promise<void> {
    await until("the dialog to hold the path", async () => {
      if ((await input.inputValue()) !== text) await input.fill(text);
      await sleep(200);
      return (await input.inputValue()) === text;
    });
  }

  /** Ticks entries of an open quick pick that takes several, and takes them. */
  async tick(...labels: string[]): Promise<void> {
    for (const label of labels)
      await this.quickInput
        .locator(".monaco-list-row", { hasText: label })
        .first()
        .locator("label, .quick-input-list-checkbox")
        .first()
        .click();
    await this.page.keyboard.press("Enter");
  }

  /** Presses a button of the dialog that stands in front of everything. */
  async confirm(button: string): Promise<void> {
    await this.page.locator(".monaco-dialog-box").getByRole("button", { name: button, exact: true }).click();
  }

  activity(label: string): Locator {
    return this.page.locator(`.activitybar .action-item a.action-label[aria-label^="${label}"]`);
  }

  /** Opens a view container. A second click would close it. */
  async openActivity(label: string): Promise<void> {
    const item = this.page.locator(".activitybar .action-item", { has: this.page.locator(`a.action-label[aria-label^="${label}"]`) });
    const open = await item.evaluate((element) => element.classList.contains("checked"));
    // The badge with the number of live runs lies over the icon and takes the click for it.
    if (!open) await this.activity(label).click({ force: true });
  }

  treeRow(text: string | RegExp): Locator {
    return this.page.locator('.sidebar .monaco-list-row[role="treeitem"]', { hasText: text }).first();
  }

  /** Selects rows of a tree, one after the other. */
  async select(...rows: string[]): Promise<void> {
    // A plain click would open the run.
    for (const row of rows) await this.treeRow(row).click({ modifiers: ["Control"] });
  }

  async expandRow(text: string | RegExp): Promise<void> {
    const row = this.treeRow(text);
    await row.waitFor();
    if ((await row.getAttribute("aria-expanded")) === "false") await row.locator(".monaco-tl-twistie").click();
  }

  /** Opens the context menu of a row and chooses an entry. */
  async chooseInMenu(row: string | RegExp, entry: string): Promise<void> {
    // The explanation of the row that the pointer rests on lies over others, for as long as it rests there.
    await this.page.mouse.move(0, 0);
    await this.treeRow(row).click({ button: "right" });
    const item = this.page.locator(".monaco-menu .action-item", { hasText: entry }).first();
    // A menu that has only just opened takes no click: it might be the end of the one that opened it.
    await item.hover();
    await this.page.locator(".monaco-menu .action-item.focused", { hasText: entry }).waitFor();
    await this.page.keyboard.press("Enter");
    await item.waitFor({ state: "hidden" });
  }

  get statusBar(): Locator {
    return this.page.locator(".statusbar");
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator(".notification-list-item, .notification-toast", { hasText: text }).first();
  }

  tab(label: string | RegExp): Locator {
    return this.page.locator('.tabs-container .tab[role="tab"]', { hasText: label });
  }

  /** Inside the webview that is shown now. Locators reach into open shadow roots. */
  webview(): FrameLocator {
    // By what is shown and not by title: the inner frame keeps the title it was made with, which a restored panel had not yet.
    const shown = this.page.locator(`iframe.webview.ready[src*="extensionId=${EXTENSION}"]:visible`).last();
    return shown.contentFrame().frameLocator("iframe#active-frame");
  }

  /** Kept under test-results/; the best ones go into the README. */
  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: path.join(this.results, `${name}.png`) });
  }
}
