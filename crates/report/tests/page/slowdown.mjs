// What ten open pages cost a sweep: node slowdown.mjs MODULES CHROMIUM RUNNER REPORT EXPERIMENT.toml [PAIRS] [PAGES] [RUNNER OPTION…]
// Runs the sweep alone and with pages open, in turns, each into a folder of its own, and prints how long it took. Beside that, what the
// server and the browser used of the processors meanwhile: where the machine has other work too, that says more than the time does.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

const [modules, executablePath, runner, report, experiment, pairs = "10", count = "10", ...options] = process.argv.slice(2);
const { chromium } = createRequire(pathToFileURL(`${modules}/`))("playwright-core");

/** Seconds of processor time of a process and all that it began, as far as they are there (Linux counts hundredths). */
const used = (root) => {
  const stats = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return [{ pid: Number(pid), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }];
    } catch {
      return [];
    }
  });
  const tree = new Set([root]);
  for (let grown = true; grown;) {
    grown = false;
    for (const { pid, parent } of stats) if (tree.has(parent) && !tree.has(pid)) grown = tree.add(pid);
  }
  return stats.filter(({ pid }) => tree.has(pid)).reduce((sum, { ticks }) => sum + ticks / 100, 0);
};

const ended = (child) => new Promise((resolve) => child.on("exit", resolve));
const sweep = async (results) => {
  const begun = performance.now();
  const code = await ended(spawn(runner, [experiment, "-r", results, "-q", ...options], { stdio: ["ignore", "ignore", "inherit"] }));
  if (code !== 0) throw new Error(`the sweep ended with ${code}`);
  return (performance.now() - begun) / 1000;
};
const alone = async (results) => ({ seconds: await sweep(results) });

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
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const before = [used(server.pid), used(browser.process().pid)];
  const seconds = await sweep(results);
  const [served, browsed] = [used(server.pid) - before[0], used(browser.process().pid) - before[1]];
  const told = await pages.at(-1).locator(".state").textContent();
  await browser.close();
  server.kill("SIGINT");
  await ended(server);
  return { seconds, served, browsed, told };
};

const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};
const ratios = [];
const shares = [];
for (let pair = 0; pair < Number(pairs); pair += 1) {
  const took = {};
  for (const way of pair % 2 ? [watched, alone] : [alone, watched]) {
    const results = mkdtempSync(join(tmpdir(), "slowdown-"));
    took[way.name] = await way(results);
    rmSync(results, { recursive: true });
  }
  const { alone: { seconds }, watched: it } = took;
  const share = (it.served + it.browsed) / it.seconds / availableParallelism();
  ratios.push(it.seconds / seconds);
  shares.push(share);
  console.log(`${seconds.toFixed(2)} s alone, ${it.seconds.toFixed(2)} s with ${count} pages: ${(100 * (it.seconds / seconds - 1)).toFixed(2)} % more; of the processors the server had ${it.served.toFixed(2)} s, the browser ${it.browsed.toFixed(2)} s: ${(100 * share).toFixed(2)} %; ${it.told}`);
}
const percent = (ratio) => `${(100 * (ratio - 1)).toFixed(2)} %`;
const sorted = ratios.toSorted((a, b) => a - b);
console.log(`median of ${pairs}: ${percent(median(ratios))} more time (from ${percent(sorted[0])} to ${percent(sorted.at(-1))}); ${(100 * median(shares)).toFixed(2)} % of the processors`);
