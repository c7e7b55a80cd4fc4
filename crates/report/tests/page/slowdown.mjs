// What ten open pages cost a sweep: node slowdown.mjs MODULES CHROMIUM RUNNER REPORT EXPERIMENT.toml [ROUNDS] [PAGES] [RUNNER OPTION…]
// Runs the sweep alone, beside a browser with as many blank pages, and beside one with pages of report serve, in turns, each into a folder
// of its own, and prints how long it took. Where the machine has other work too, two sweeps differ by more than the pages cost. So the
// kernel's own account is printed as well, which knows no other machine's work: how long the threads that train were ready and waited
// for a processor, which is what others take from them but for what they push out of its caches; and what server and browser used.
// What blank pages cost is the browser, who steers it here, and the kernel, which has more memory to look after. Linux only.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const [modules, executablePath, runner, report, experiment, rounds = "10", count = "10", ...options] = process.argv.slice(2);
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
const alone = (results) => sweep(results);

/** Beside a browser that shows `url` so many times, and what else runs. */
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
const ways = { alone, blank, pages };
const all = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const took = {};
  const names = Object.keys(ways);
  for (const name of round % 2 ? names.toReversed() : names) {
    const results = mkdtempSync(join(tmpdir(), "slowdown-"));
    took[name] = await ways[name](results);
    rmSync(results, { recursive: true });
  }
  all.push(took);
  const told = names.map((name) => `${name} ${took[name].seconds.toFixed(2)} s, waited ${percent(took[name].waited)}${took[name].share ? `, others used ${percent(took[name].share)}` : ""}`);
  console.log(told.join("; "));
}
for (const [than, what] of [["alone", "nothing"], ["blank", "blank pages"]]) {
  const more = all.map((took) => took.pages.seconds / took[than].seconds - 1);
  const waited = all.map((took) => took.pages.waited - took[than].waited);
  console.log(
    `${count} pages instead of ${what}: by the clock ${percent(mean(more))} ± ${percent(error(more))} more time (median ${percent(median(more))}); ` +
    `by the kernel ${percent(mean(waited))} ± ${percent(error(waited))} (median ${percent(median(waited))}) more of it waited`,
  );
}
