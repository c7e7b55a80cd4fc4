// What ten open pages cost a sweep: node slowdown.mjs MODULES CHROMIUM RUNNER REPORT EXPERIMENT.toml [PAIRS] [PAGES] [RUNNER OPTION…]
// Runs the sweep alone and with pages open, in turns, each into a folder of its own, and prints how long it took. Where the machine has
// other work too, two sweeps differ by more than the pages cost. So the kernel's own account is printed as well, which knows no other
// machine's work: how long the sweep's threads were ready and waited for a processor, which is what pages take from them but for what
// they push out of its caches; and what the server and the browser used. Linux only.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const [modules, executablePath, runner, report, experiment, pairs = "10", count = "10", ...options] = process.argv.slice(2);
const { chromium } = createRequire(pathToFileURL(`${modules}/`))("playwright-core");
const LOOK = 500; // milliseconds
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const mean = (numbers) => sum(numbers) / numbers.length;
/** Standard error of the mean. */
const error = (numbers) => Math.sqrt(sum(numbers.map((it) => (it - mean(numbers)) ** 2)) / (numbers.length - 1) / numbers.length);
const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

/** What is read of a process may be gone by then. */
const orNothing = (read, nothing) => {
  try {
    return read();
  } catch {
    return nothing;
  }
};
/** Of every thread of a process, by its id, how long it ran and how long it was ready and waited, in seconds. */
const threads = (pid) => orNothing(() => readdirSync(`/proc/${pid}/task`), []).flatMap((task) => {
  const times = orNothing(() => readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" "), null);
  return times ? [[task, { ran: Number(times[0]) / 1e9, waited: Number(times[1]) / 1e9 }]] : [];
});
/** A process and all that it began. */
const family = (root) => {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = pids.map((pid) => [Number(pid), orNothing(() => Number(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ")[1]))]);
  const found = new Set([root]);
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, parent] of parents) if (found.has(parent) && !found.has(pid)) grown = found.add(pid);
  }
  return [...found];
};
const used = (roots) => sum(roots.flatMap(family).flatMap(threads).map(([, it]) => it.ran));

const ended = (child) => new Promise((resolve) => child.on("exit", resolve));
/** Runs the sweep: how many seconds it took, and which part of the time its threads were ready and waited. */
const sweep = async (results) => {
  const begun = performance.now();
  const child = spawn(runner, [experiment, "-r", results, "-q", ...options], { stdio: ["ignore", "ignore", "inherit"] });
  const seen = new Map();
  const looking = setInterval(() => threads(child.pid).forEach(([task, times]) => seen.set(task, times)), LOOK);
  const code = await ended(child);
  clearInterval(looking);
  if (code !== 0) throw new Error(`the sweep ended with ${code}`);
  const seconds = (performance.now() - begun) / 1000;
  // Those that train; that the one that records waits for them slows nobody.
  const training = [...seen.values()].filter((it) => it.ran > seconds / 10);
  return { seconds, waited: sum(training.map((it) => it.waited)) / seconds / training.length };
};
const alone = sweep;

const watched = async (results) => {
  const server = spawn(report, ["-r", results, "serve", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise((resolve) => server.stdout.once("data", resolve));
  const browser = await chromium.launchServer({ executablePath, args: ["--no-sandbox"] });
  const context = await (await chromium.connect(browser.wsEndpoint())).newContext({ viewport: { width: 1280, height: 800 } });
  const pages = [];
  for (let number = 0; number < Number(count); number += 1) {
    pages.push(await context.newPage());
    await pages[number].goto(String(line).split(" ")[0]);
  }
  await sleep(4000);
  const roots = [server.pid, browser.process().pid];
  const before = used(roots);
  const took = await sweep(results);
  const share = (used(roots) - before) / took.seconds / availableParallelism();
  const told = await pages.at(-1).locator(".state").textContent();
  await browser.close();
  server.kill("SIGINT");
  await ended(server);
  return { ...took, share, told };
};

const percent = (part) => `${(100 * part).toFixed(2)} %`;
const [more, waits] = [[], []];
for (let pair = 0; pair < Number(pairs); pair += 1) {
  const took = {};
  for (const way of pair % 2 ? [watched, alone] : [alone, watched]) {
    const results = mkdtempSync(join(tmpdir(), "slowdown-"));
    took[way === watched ? "watched" : "alone"] = await way(results);
    rmSync(results, { recursive: true });
  }
  const { alone: first, watched: second } = took;
  more.push(second.seconds / first.seconds - 1);
  waits.push(second.waited - first.waited);
  console.log(
    `${first.seconds.toFixed(2)} s alone, ${second.seconds.toFixed(2)} s with ${count} pages: ${percent(more.at(-1))} more; its threads waited ` +
    `${percent(first.waited)} and ${percent(second.waited)} of the time; server and browser had ${percent(second.share)} of it; ${second.told}`,
  );
}
const [least, most] = [Math.min(...more), Math.max(...more)];
console.log(`by the clock: median of ${pairs} ${percent(median(more))} more time (from ${percent(least)} to ${percent(most)}), mean ${percent(mean(more))} ± ${percent(error(more))}`);
console.log(`by the kernel: its threads waited ${percent(mean(waits))} ± ${percent(error(waits))} of the time longer (median ${percent(median(waits))})`);
