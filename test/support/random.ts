import process from "node:process";
import fc from "fast-check";

// A developer's run draws new cases each time, and a failure prints its seed. CI draws the same ones for each commit:
// there a red test has to mean this change, not a case that nobody had met before.
const CI_SEED = 20_261_121;

if (process.env["CI"] === "true") fc.configureGlobal({ seed: CI_SEED });
