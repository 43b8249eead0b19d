// Reads what the test runners wrote. A runner that died, found nothing, or could not load a file is a failure, whatever it counted.
// `failures` say each failed test's name and the start of its message: they are repeated at the end, where a long output is still on record.

const MESSAGE_LINES = 12;
/** As pytest writes them into XML. */
const ENTITIES = { "&#10;": "\n", "&quot;": '"', "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/**
 * @param {string | null} text vitest's JSON report
 * @param {number} code the runner's exit code
 */
export function readVitest(text, code) {
  if (text === null) return { passed: 0, failed: 1, skipped: 0, failures: ["vitest left no report"] };
  const report = JSON.parse(text);
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
  const failures = report.testResults.flatMap((file) => [
    ...(file.status === "failed" && file.message ? [`${file.name}\n${start(file.message)}`] : []),
    ...file.assertionResults
      .filter((test) => test.status === "failed")
      .map((test) => `${file.name} > ${test.fullName}\n${start(test.failureMessages.join("\n"))}`),
  ]);
  return settle({ passed, failed: report.numFailedTests + unloaded, skipped, failures }, code);
}

/**
 * @param {string | null} text pytest's JUnit report
 * @param {number} code the runner's exit code
 */
export function readJunit(text, code) {
  const suite = text === null ? null : /<testsuite [^>]*>/.exec(text)?.[0];
  if (suite === null || suite === undefined) return { passed: 0, failed: 1, skipped: 0, failures: ["pytest left no report"] };
  const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  const failures = [...text.matchAll(/<testcase classname="([^"]*)" name="([^"]*)"[^>]*><(?:failure|error) message="([^"]*)"/g)].map(
    ([, file, name, message]) => `${file} > ${plain(name)}\n${start(plain(message))}`,
  );
  return settle({ passed: count("tests") - failed - skipped, failed, skipped, failures }, code);
}

function plain(text) {
  return text.replace(/&(?:#10|quot|lt|gt|amp);/g, (entity) => ENTITIES[entity]);
}

function start(message) {
  return message
    .split("\n")
    .slice(0, MESSAGE_LINES)
    .map((line) => `    ${line.slice(0, 300)}`)
    .join("\n");
}

function settle(counts, code) {
  const nothingRan = counts.passed + counts.failed === 0;
  return counts.failed === 0 && (code !== 0 || nothingRan)
    ? { ...counts, failed: 1, failures: [`the runner ended with ${String(code)}`] }
    : counts;
}
