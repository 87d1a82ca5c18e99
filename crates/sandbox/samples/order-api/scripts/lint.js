// Checks that every source file parses and ends with a newline, without tabs or trailing spaces.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const files = ["src", "test", "scripts"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".js"))
    .map((name) => join(folder, name)),
);
const problems = [];
for (const file of files) {
  const text = readFileSync(file, "utf8");
  text.split("\n").forEach((line, index) => {
    if (/[ \t]$/.test(line)) problems.push(`${file}:${index + 1}: trailing space`);
    if (line.includes("\t")) problems.push(`${file}:${index + 1}: tab`);
  });
  if (!text.endsWith("\n")) problems.push(`${file}: no newline at the end`);
  try {
    execFileSync(process.execPath, ["--check", file], { stdio: "pipe" });
  } catch (error) {
    problems.push(`${file}: ${error.stderr}`);
  }
}
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`${files.length} files checked, no problems`);
