// Makes small WebAssembly modules smaller, in place: `node optimize.mjs FILE…`. One process for many of them: starting
// the optimizer takes longer than most.
import { readFileSync, writeFileSync } from "node:fs";
import binaryen from "binaryen";

// Features that every browser of the last three years has; what rustc emits by default needs them.
const has = binaryen.Features;
const FEATURES =
  has.BulkMemory |
  has.BulkMemoryOpt |
  has.CallIndirectOverlong |
  has.Multivalue |
  has.MutableGlobals |
  has.NontrappingFPToInt |
  has.ReferenceTypes |
  has.SignExt;
/** Rounds of `-Oz` at most; it ends where one makes nothing smaller. */
const ROUNDS = 6;

binaryen.setOptimizeLevel(2);
binaryen.setShrinkLevel(2);

for (const file of process.argv.slice(2)) {
  const before = readFileSync(file);
  const module = binaryen.readBinary(before, FEATURES);
  let smallest = null;
  for (let round = 0; round < ROUNDS; round += 1) {
    module.optimize();
    const now = module.emitBinary();
    if (smallest && now.length >= smallest.length) break;
    smallest = now;
  }
  module.runPasses(["strip-producers", "strip-target-features"]);
  const stripped = module.emitBinary();
  writeFileSync(file, stripped.length < smallest.length ? stripped : smallest);
  module.dispose();
}
