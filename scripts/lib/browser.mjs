// The browser that drives the tests of the user interface.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { StepFailure, capture, root, step } from "./steps.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const WELL_KNOWN = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** @returns {Promise<string>} absolute path of a Chromium or Chrome */
export async function ensureBrowser() {
  const found = findBrowser();
  if (found !== null) return found;
  if (await isDebianRoot()) {
    const todo = "Install Chromium or Chrome by hand, or name one in TRAINYARD_BROWSER.";
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await step("looking for Chromium (apt-get update)", todo, "apt-get", ["update"], { env });
    await step(
      "installing Chromium (apt-get install chromium)",
      todo,
      "apt-get",
      ["install", "-y", "--no-install-recommends", "chromium"],
      { env },
    );
    const installed = findBrowser();
    if (installed !== null) return installed;
  }
  throw new StepFailure(
    "no Chromium or Chrome was found for the tests of the user interface",
    "Install one (Debian: apt-get install chromium; elsewhere: npx playwright-core install chromium), or name one in TRAINYARD_BROWSER.",
  );
}

function findBrowser() {
  const named = process.env.TRAINYARD_BROWSER;
  if (named !== undefined) {
    if (existsSync(named)) return named;
    throw new StepFailure(`TRAINYARD_BROWSER names ${named}, which does not exist`, "Correct it or unset it.");
  }
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  const candidates = [...NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name))), ...WELL_KNOWN];
  return candidates.find((file) => existsSync(file)) ?? playwrightBrowser();
}

/** What `playwright-core install chromium` downloaded earlier, if it did. */
function playwrightBrowser() {
  try {
    const { chromium } = createRequire(path.join(root, "package.json"))("playwright-core");
    const file = chromium.executablePath();
    return existsSync(file) ? file : null;
  } catch {
    return null;
  }
}

async function isDebianRoot() {
  if (process.getuid?.() !== 0) return false;
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(release) && (await capture("apt-get", ["--version"])).code === 0;
}
