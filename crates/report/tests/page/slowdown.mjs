// Measures how much open pages slow down a sweep (Linux only):
// node slowdown.mjs MODULES CHROMIUM RUNNER REPORT EXPERIMENT.toml [ROUNDS] [PAGES] [RUNNER OPTION…]
// Each round runs the sweep alone, beside a browser with blank pages, and beside a browser with pages
// of report serve, in alternating order, each into its own folder, and prints the durations. On a busy
// machine two sweeps differ by more than the pages cost. The kernel's counters are less affected: how
// long the training threads were ready but waited for a processor, and how much processor time the
// server and the browser used. They do not count the cost of displaced caches. Blank pages show the
// cost of the browser itself.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const [modules, executablePath, runner, report, experiment, rounds = "10", count = "10", ...options] = process.argv.slice(2);
const { chromium } = createRequire(pathToFileURL(`${modules}/`))("playwright-core");
const SAMPLING_INTERVAL = 500; // milliseconds
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const mean = (numbers) => sum(numbers) / numbers.length;
/** Standard error of the mean. */
const error = (numbers) => Math.sqrt(sum(numbers.map((number) => (number - mean(numbers)) ** 2)) / (numbers.length - 1) / numbers.length);
const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

/** Returns a default if the process has ended before its files are read. */
const readOr = (read, nothing) => {
  try {
    return read();
  } catch {
    return nothing;
  }
};
/** For each thread of a process, by id: the seconds that it ran and that it waited for a processor. */
const threads = (pid) => readOr(() => readdirSync(`/proc/${pid}/task`), []).flatMap((task) => {
  const times = readOr(() => readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" "), null);
  return times ? [[task, { ran: Number(times[0]) / 1e9, waited: Number(times[1]) / 1e9 }]] : [];
});
/** The ids of a process and its descendants. */
const family = (root) => {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = pids.map((pid) => [Number(pid), readOr(() => Number(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ")[1]))]);
  const found = new Set([root]);
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, parent] of parents) if (found.has(parent) && !found.has(pid)) grown = found.add(pid);
  }
  return [...found];
};
const used = (roots) => sum(roots.flatMap(family).flatMap(threads).map(([, times]) => times.ran));

const ended = (child) => new Promise((resolve) => child.on("exit", resolve));
/** Runs the sweep. Returns its seconds and the share of time that its threads waited for a processor. */
const sweep = async (results) => {
  const begun = performance.now();
  const child = spawn(runner, [experiment, "-r", results, "-q", ...options], { stdio: ["ignore", "ignore", "inherit"] });
  const seen = new Map();
  const looking = setInterval(() => threads(child.pid).forEach(([task, times]) => seen.set(task, times)), SAMPLING_INTERVAL);
  const code = await ended(child);
  clearInterval(looking);
  if (code !== 0) throw new Error(`the sweep ended with ${code}`);
  const seconds = (performance.now() - begun) / 1000;
  // Only training threads count. Waiting of the recording thread does not slow the sweep.
  const training = [...seen.values()].filter((times) => times.ran > seconds / 10);
  return { seconds, waited: sum(training.map((times) => times.waited)) / seconds / training.length };
};
const alone = (results) => sweep(results);

/** Runs the sweep beside a browser with `count` pages of `url` and the processes `others`. */
const beside = async (results, url, others) => {
  const browser = await chromium.launchServer({ executablePath, args: ["--no-sandbox"] });
  const context = await (await chromium.connect(browser.wsEndpoint())).newContext({ viewport: { width: 1280, height: 800 } });
  for (let number = 0; number < Number(count); number += 1) await (await context.newPage()).goto(url);
  await sleep(4000);
  const roots = [browser.process().pid, ...others];
  const before = used(roots);
  const took = await sweep(results);
  const share = (used(roots) - before) / took.seconds / availableParallelism();
  await browser.close();
  return { ...took, share };
};
const blank = (results) => beside(results, "about:blank", []);
const pages = async (results) => {
  const server = spawn(report, ["-r", results, "serve", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise((resolve) => server.stdout.once("data", resolve));
  const took = await beside(results, String(line).split(" ")[0], [server.pid]);
  server.kill("SIGINT");
  await ended(server);
  return took;
};

const percent = (part) => `${(100 * part).toFixed(2)} %`;
const conditions = { alone, blank, pages };
const all = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const took = {};
  const names = Object.keys(conditions);
  for (const name of round % 2 ? names.toReversed() : names) {
    const results = mkdtempSync(join(tmpdir(), "slowdown-"));
    took[name] = await conditions[name](results);
    rmSync(results, { recursive: true });
  }
  all.push(took);
  const line = names.map((name) => `${name} ${took[name].seconds.toFixed(2)} s, waited ${percent(took[name].waited)}${took[name].share ? `, browser and server used ${percent(took[name].share)}` : ""}`);
  console.log(line.join("; "));
}
for (const [than, description] of [["alone", "nothing"], ["blank", "blank pages"]]) {
  const more = all.map((took) => took.pages.seconds / took[than].seconds - 1);
  const waited = all.map((took) => took.pages.waited - took[than].waited);
  console.log(
    `${count} pages instead of ${description}: wall time ${percent(mean(more))} ± ${percent(error(more))} longer (median ${percent(median(more))}); ` +
    `waiting for a processor ${percent(mean(waited))} ± ${percent(error(waited))} (median ${percent(median(waited))}) longer`,
  );
}
