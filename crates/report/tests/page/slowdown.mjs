// What ten open pages cost a sweep: node slowdown.mjs MODULES CHROMIUM RUNNER REPORT EXPERIMENT.toml [PAIRS] [PAGES] [RUNNER OPTION…]
// Runs the sweep alone and with pages open, in turns, each into a folder of its own, and prints how long it took. Where the machine has
// other work too, two sweeps differ by more than the pages cost. So a third sweep, which is not timed because looking costs it about as
// much again, is looked at in every fifth of a second: what the server and the browser used of the processors, and how much of its epochs
// the sweep got done. How much less it did for what they used (a linear regression, slow changes of its pace taken out) times all that
// they used estimates what they cost; a cost that is always there, whatever they use at the moment, it does not see. Linux only.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const [modules, executablePath, runner, report, experiment, pairs = "10", count = "10", ...options] = process.argv.slice(2);
const { chromium } = createRequire(pathToFileURL(`${modules}/`))("playwright-core");
const LOOK = 200; // milliseconds
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const mean = (numbers) => sum(numbers) / numbers.length;
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
/** The threads of processes and of all that they began. */
const threads = (roots) => {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = pids.map((pid) => [Number(pid), orNothing(() => Number(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ")[1]))]);
  const tree = new Set(roots);
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, parent] of parents) if (tree.has(parent) && !tree.has(pid)) grown = tree.add(pid);
  }
  return [...tree].flatMap((pid) => orNothing(() => readdirSync(`/proc/${pid}/task`), []).map((task) => `/proc/${pid}/task/${task}/schedstat`));
};
/** Looks again and again, until it is stopped, what they use of the processors: from when, to when, how much, in milliseconds. */
const watch = (roots) => {
  const looks = [];
  const before = new Map();
  let [files, stopped] = [threads(roots), false];
  const used = () => sum(files.map((file) => {
    const now = orNothing(() => Number(readFileSync(file, "utf8").split(" ")[0]) / 1e6, before.get(file) ?? 0);
    const since = now - (before.get(file) ?? (looks.length ? 0 : now));
    before.set(file, now);
    return since;
  }));
  used();
  const done = (async () => {
    for (let from = Date.now(); !stopped; from = looks.at(-1).to) {
      await sleep(LOOK);
      if (looks.length % 10 === 0) files = threads(roots);
      looks.push({ from, to: Date.now(), used: used() });
    }
    return looks;
  })();
  return () => { stopped = true; return done; };
};

/** When each epoch of the sweep began and ended. */
const epochs = (results) => {
  const record = JSON.parse(execFileSync(report, ["-r", results, "export", "--format", "json"], { stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 30 }));
  const seconds = new Map(record.runs.map(({ id }) => [id, []]));
  for (const { run_id, epoch, name, value } of record.metrics) if (name === "seconds") seconds.get(run_id).push({ epoch, value });
  return record.runs.flatMap(({ id, started_at, ended_at }) => {
    const took = seconds.get(id).toSorted((a, b) => a.epoch - b.epoch).map((it) => it.value);
    const scale = (Date.parse(ended_at) - Date.parse(started_at)) / sum(took);
    let from = Date.parse(started_at);
    return took.map((it) => ({ from, to: (from += it * scale) }));
  });
};
/** By look: the part of the processors that was used, and the sweep's pace, where 1 is how it was just before and after. */
const paced = (looks, epochs) => {
  const [begun, ended] = [Math.min(...epochs.map((it) => it.from)), Math.max(...epochs.map((it) => it.to))];
  const within = looks.filter(({ from, to }) => from > begun + LOOK && to < ended - 2 * LOOK);
  const rates = within.map(({ from, to }) => sum(epochs.map((it) => Math.max(0, Math.min(to, it.to) - Math.max(from, it.from)) / (it.to - it.from))) / (to - from));
  return within.map(({ from, to, used }, index) => ({
    share: used / (to - from) / availableParallelism(),
    pace: rates[index] / median(rates.slice(Math.max(0, index - 10), index + 11)),
  }));
};
/** What all of them cost, as a part of the sweep's time, and the standard error of that. */
const cost = (points) => {
  const [shares, paces] = [points.map((it) => it.share), points.map((it) => it.pace)];
  const [x, y] = [mean(shares), mean(paces)];
  const spread = sum(shares.map((it) => (it - x) ** 2));
  const slope = sum(points.map((it) => (it.share - x) * (it.pace - y))) / spread;
  const left = points.map((it) => it.pace - y - slope * (it.share - x));
  const error = Math.sqrt(sum(left.map((it) => it ** 2)) / (points.length - 2) / spread);
  return { costs: (-slope * x) / y, error: (error * x) / y, share: x };
};

const ended = (child) => new Promise((resolve) => child.on("exit", resolve));
const sweep = async (results) => {
  const begun = performance.now();
  const code = await ended(spawn(runner, [experiment, "-r", results, "-q", ...options], { stdio: ["ignore", "ignore", "inherit"] }));
  if (code !== 0) throw new Error(`the sweep ended with ${code}`);
  return (performance.now() - begun) / 1000;
};
const alone = async (results) => ({ seconds: await sweep(results) });
const looked = (results) => watched(results, true);

const watched = async (results, looking = false) => {
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
  const stop = looking ? watch([server.pid, browser.process().pid]) : () => [];
  const seconds = await sweep(results);
  const looks = await stop();
  const told = await pages.at(-1).locator(".state").textContent();
  await browser.close();
  server.kill("SIGINT");
  await ended(server);
  return { seconds, points: looking ? paced(looks, epochs(results)) : [], told };
};

const percent = (part) => `${(100 * part).toFixed(2)} %`;
const ratios = [];
const points = [];
for (let pair = 0; pair < Number(pairs); pair += 1) {
  const took = {};
  for (const way of pair % 2 ? [watched, alone, looked] : [alone, watched, looked]) {
    const results = mkdtempSync(join(tmpdir(), "slowdown-"));
    took[way.name] = await way(results);
    rmSync(results, { recursive: true });
  }
  const { alone: { seconds }, watched: it, looked: { points: seen } } = took;
  ratios.push(it.seconds / seconds);
  points.push(...seen);
  console.log(`${seconds.toFixed(2)} s alone, ${it.seconds.toFixed(2)} s with ${count} pages: ${percent(it.seconds / seconds - 1)} more; looked at another time, server and browser had ${percent(cost(seen).share)} of the processors; ${it.told}`);
}
const { costs, error, share } = cost(points);
const sorted = ratios.toSorted((a, b) => a - b);
console.log(`median of ${pairs}: ${percent(median(ratios) - 1)} more time (from ${percent(sorted[0] - 1)} to ${percent(sorted.at(-1) - 1)})`);
console.log(`${points.length} looks: server and browser had ${percent(share)} of the processors, and by their share cost the sweep ${percent(costs)} (standard error ${percent(error)}) of its time`);
