import type { FullResult, Reporter, TestCase, TestResult } from "@playwright/test/reporter";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";

/** How many lines of a failure are repeated. */
const LINES = 14;

/** The colors of a terminal. */
const COLOR = /\u001b\[[\d;]*m/g;

/** Writes down in a few lines what failed, so that it can be said again below everything else. */
export default class Failures implements Reporter {
  private readonly said: string[] = [];

  constructor(private readonly options: { outputFile: string }) {}

  onTestEnd(test: TestCase, result: TestResult): void {
    if (result.status === "passed" || result.status === "skipped" || result.status === test.expectedStatus) return;
    const { file, line } = result.errors[0]?.location ?? test.location;
    const words = result.errors.map((error) => error.message ?? error.value ?? "").join("\n");
    const lines = words.replace(COLOR, "").split("\n").filter((text) => text.trim() !== "");
    this.said.push([`${test.title} (${relative(process.cwd(), file)}:${line}, ${result.status})`, ...lines.slice(0, LINES)].join("\n  "));
  }

  onEnd(_result: FullResult): void {
    mkdirSync(dirname(this.options.outputFile), { recursive: true });
    writeFileSync(this.options.outputFile, this.said.map((text) => `${text}\n`).join(""));
  }
}
