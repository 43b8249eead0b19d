// Reads what the test runners wrote. A runner that died, found nothing, or could not load a file is a failure, whatever it counted.

/**
 * @param {string | null} text vitest's JSON report
 * @param {number} code the runner's exit code
 */
export function readVitest(text, code) {
  if (text === null) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(text);
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
  return settle({ passed, failed: report.numFailedTests + unloaded, skipped }, code);
}

/**
 * @param {string | null} text pytest's JUnit report
 * @param {number} code the runner's exit code
 */
export function readJunit(text, code) {
  const suite = text === null ? null : /<testsuite [^>]*>/.exec(text)?.[0];
  if (suite === null || suite === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  return settle({ passed: count("tests") - failed - skipped, failed, skipped }, code);
}

function settle(counts, code) {
  const nothingRan = counts.passed + counts.failed === 0;
  return counts.failed === 0 && (code !== 0 || nothingRan) ? { ...counts, failed: 1 } : counts;
}
