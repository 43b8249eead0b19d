/** The Chromium of a file of tests. */
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { browser as chromiumPath } from "../support/machine.ts";

export interface Chromium {
  /** @param width of the viewport in CSS pixels, as `height` */
  open(width: number, height: number): Promise<Page>;
  /** What was complained of in this test so far. */
  readonly complaints: string[];
}

/** Starts before the tests of the file that calls this and ends after them. What a page complains of fails the test that was running. */
export function useChromium(): Chromium {
  let browser: Browser;
  const complaints: string[] = [];
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox", "--disable-gpu"] });
  }, 60_000);
  afterEach(() => {
    expect(complaints.splice(0)).toEqual([]);
  });
  afterAll(() => browser.close());
  return {
    complaints,
    open: async (width, height) => {
      const page = await browser.newPage({ viewport: { width, height } });
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        if (message.text().includes("Content Security Policy")) complaints.push(message.text());
      });
      return page;
    },
  };
}

/** Where an element is now, for the gesture that follows: what comes to stand above it later moves it. */
export async function placeNow(element: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  const box = await element.boundingBox();
  if (box === null) throw new Error(`${String(element)} has no place on the page`);
  return box;
}
