/**
 * The end of a log: what was said about the failure, and not what was said, and survived, before. A training that ran out of memory, tried
 * again with a smaller batch and failed of something else an hour later did not fail of its memory.
 */

/** So many lines of ordinary output between two troubles, and the earlier one was survived. */
const ORDINARY_LINES = 25;
/** Of one failure: ranks, frames of C++ and all. */
const MOST_LINES = 20_000;

/** Lines that belong to a report of trouble: frames, their source lines, exceptions, launchers that tell of their ranks. */
const TROUBLE =
  /^\s|^$|^Traceback |^(?:During handling of|The above exception)|^(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Failure|Warning)\b|^\[rank\d+\]|^frame #\d+|^terminate called|^Exception (?:raised from|in thread|ignored)|^[EFW]\d{4} |\bProcessGroup(?:NCCL|Gloo)|\bNCCL |torch[/.]distributed[/.]|^[-=~^*\u256d\u2570\u2502\u2500]{3,}|\b(?:ERROR|CRITICAL|FATAL)\b|: error: |^usage: |^Root Cause|^Failures:|^[ \t]*(?:rank|exitcode|error_file|host|time|traceback) *:|^slurmstepd: |^Fatal Python error|^Thread 0x|^Current thread /;

/** It was dealt with, or was only expected: the words of a warning, of a retry, of a search. */
const SURVIVED =
  /\b(?:WARN(?:ING)?|INFO|DEBUG|NOTICE)\b|\w*Warning: |\b(?:retry|retrying|retried|recover(?:ed|ing)?|falling back|fallback|skip(?:ped|ping)?|ignor(?:ed|ing)|reduc(?:ed|ing) (?:the )?batch|trying again|will try)\b/i;

/** Index of the first line of the last trouble. */
export function beginningOfEnd(lines: readonly string[]): number {
  let start = lines.length;
  let ordinary = 0;
  for (let index = lines.length - 1; index >= 0 && lines.length - index <= MOST_LINES; index--) {
    if (TROUBLE.test(lines[index] ?? "")) start = index;
    else if (++ordinary > ORDINARY_LINES) break;
    else start = index;
  }
  return start;
}

export function wasSurvived(line: string): boolean {
  return SURVIVED.test(line);
}
