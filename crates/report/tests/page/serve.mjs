// What a reader sees of a sweep that is followed, in a real browser: node serve.mjs MODULES CHROMIUM URL
// Asks on standard output for what is to happen to the store or the server, a line each (`begin`, `record BATCH`, `end`, `die`, `refuse`, `return`), and
// goes on when a line comes back. Other lines are failed expectations; exit code 1 when there is one.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";
import { judge } from "./accessible.mjs";

const [modules, executablePath, url] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const happen = async (what) => {
  console.log(`> ${what}`);
  await answers.next();
};

const failures = [];
const expect = (holds, what) => { if (!holds) failures.push(what); };

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
const open = async () => {
  const page = await context.newPage();
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) failures.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => failures.push(`script: ${error}`));
  page.on("request", (request) => { if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) failures.push(`request: ${request.url()}`); });
  await page.goto(url);
  return page;
};
/** Until `selector` with `text` is in every page; how many milliseconds that took. */
const appears = async (pages, selector, text) => {
  const begun = performance.now();
  try {
    await Promise.all(pages.map((page) => page.locator(selector).filter({ hasText: text }).first().waitFor({ state: "attached", timeout: 40_000 })));
  } catch {
    failures.push(`no '${text}' in ${selector} within 40 s`);
  }
  return performance.now() - begun;
};
const accessible = judge(axe, failures);

// More pages than a browser makes connections to a server; and nothing is there yet.
const pages = [];
for (let number = 0; number < 10; number += 1) pages.push(await open());
const [page, other] = pages;
await appears(pages, ".progress", "run an experiment first");
await accessible(page, "without a store");

await happen("begin");
await appears(pages, "tbody tr", "16");
// The page opened last goes first, until another is used. One that is behind others is drawn about once a second only.
await page.bringToFront();
await page.keyboard.press("Shift");
await appears([page], "tbody tr", "64");
expect(/6 of 14 trials · 1 running .* left/.test(await page.locator(".state").textContent()), `progress: ${await page.locator(".state").textContent()}`);
await appears([page], ".runs li", "epoch 2 of 5");
await accessible(page, "while it runs");

// What a reader has done with the page.
const table = page.locator("table[data-table]");
const batches = async (selector = "table[data-table]") => {
  const table = page.locator(selector);
  const index = await table.locator("thead th").evaluateAll((heads) => heads.findIndex((it) => it.dataset.name === "batch_size"));
  return table.locator("tbody tr").evaluateAll((rows, index) => rows.filter((it) => !it.hidden).map((it) => Number(it.cells[index].dataset.value)), index);
};
await page.locator("[data-filter]").fill("batch_size<=64");
await table.locator('th[data-name="batch_size"] button').click();
await page.locator("[data-theme-switch]").click();
await page.locator("details summary").click();
const axis = page.locator("svg [data-axis]").filter({ has: page.locator("title", { hasText: /^batch$/ }) });
await axis.scrollIntoViewIfNeeded();
// Batches of 16 and 32: the two lowest of three.
const [x, from, to] = await axis.evaluate((it) => {
  const svg = it.ownerSVGElement;
  const point = (y) => new DOMPoint(Number(it.dataset.x), y).matrixTransform(svg.getScreenCTM());
  const ys = [...svg.querySelectorAll("[data-ys]")].map((line) => Number(line.dataset.ys.split(",")[it.dataset.axis])).sort((a, b) => b - a);
  return [point(0).x, point(Number(it.dataset.bottom) + 4).y, point((ys[1] + ys[2]) / 2).y];
});
await page.mouse.move(x, from);
await page.mouse.down();
await page.mouse.move(x, to, { steps: 5 });
await page.mouse.up();
await table.locator('th[data-name="batch_size"] button').focus();
await page.evaluate(() => scrollTo({ top: 400, behavior: "instant" }));
const place = () => page.evaluate(() => {
  const row = document.querySelector("figcaption").getBoundingClientRect();
  return { top: Math.round(row.top), theme: document.documentElement.dataset.theme, open: document.querySelector("details").open, focus: document.activeElement?.closest("th")?.dataset.name, brushes: document.querySelectorAll(".brush").length };
});
const before = JSON.stringify(await place());

for (const batch of [48, 24, 1000]) {
  await happen(`record ${batch}`);
  const told = await appears([page], ".runs li", `batch ${batch}`);
  const shown = await appears([page], "tbody tr", String(batch));
  // The table takes its time while run upon run ends.
  expect(told < 2000 && told + shown < 8000, `batch ${batch} appeared after ${Math.round(told)} and ${Math.round(told + shown)} ms`);
  console.error(`batch ${batch}: told after ${Math.round(told)} ms, in the table after ${Math.round(told + shown)} ms`);
}
const after = JSON.stringify(await place());
expect(after.replace(/"top":-?\d+/, "") === before.replace(/"top":-?\d+/, ""), `the reader had ${before} and has ${after}`);
expect(JSON.stringify(await batches()) === "[16,24,32]", `filtered, brushed and sorted: ${await batches()}`);
expect((await page.locator("[data-filter]").inputValue()) === "batch_size<=64", "the filter is gone");
await other.bringToFront();
await other.keyboard.press("Shift");
await appears([other], "tbody tr", "1000");
expect((await other.locator("tr[data-setting]").count()) === 7, `${await other.locator("tr[data-setting]").count()} settings`);

// What is not looked at follows when it is scrolled to,
const charts = (page) => page.evaluate(() => document.querySelector('[data-part="e1-charts"]').dataset.digest);
const newest = async () => (await (await fetch(`${url}parts/e1-charts`)).json())["e1-charts"][0];
await other.locator('[data-part="e1-charts"]').scrollIntoViewIfNeeded();
await other.waitForTimeout(1000);
expect((await charts(other)) === (await newest()), "charts that are looked at are behind");
expect((await other.locator(".dots").first().locator("[data-setting]").count()) === 6, "other dots than settings");

// and everywhere when the sweep has ended.
await happen("end");
await appears(pages, ".state", "nobody is at it any more");
let last;
for (let tries = 0; tries < 30 && new Set(last).size !== 1; tries += 1) {
  await page.waitForTimeout(1000);
  last = [await newest(), ...(await Promise.all(pages.map(charts)))];
}
expect(new Set(last).size === 1, `charts are behind: ${last}`);
await accessible(page, "in the end");

// Another experiment takes the first place, and nothing of what the reader did to this one.
await page.bringToFront();
await page.keyboard.press("Shift");
await page.locator("[data-filter]").focus();
await happen("another");
await appears([page], "h2", "alpha");
const rooms = await page.locator("main > section.experiment").evaluateAll((rooms) => rooms.map((room) => {
  const input = room.querySelector("[data-filter]");
  return [room.dataset.experiment, input.value, input.checkVisibility(), input === document.activeElement, room.querySelector("details")?.open ?? false, Boolean(room.querySelector("th[aria-sort]"))].join(" ");
}));
expect(rooms.join() === "alpha  true false false false,batch_sweep batch_size<=64 true true true true", `rooms: ${rooms}`);
expect(JSON.stringify(await batches('section[data-experiment="batch_sweep"] table[data-table]')) === "[16,24,32]", "filtered, brushed and sorted beside another");

const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
await plain.goto(url);
expect(await plain.locator("tbody tr").first().isVisible(), "no table without script");
expect((await plain.locator(".state").allTextContents()).some((it) => it.includes("of 14 trials")), "no progress without script");
await plain.close();

const complaints = failures.length;
await happen("die");
const lost = (state, timeout, complaint) => page.locator("[data-lost]").waitFor({ state, timeout }).catch(() => failures.push(complaint));
await lost("visible", 15_000, "nothing is said of a server that is gone");
// One that refuses is asked again, though a browser would not.
await happen("refuse");
await page.waitForTimeout(8000);
expect(await page.locator("[data-refused]").isVisible() && !(await page.locator("[data-lost]").isVisible()), "a refusal is not told from silence");
await happen("return");
await lost("hidden", 15_000, "a server that is there again is not followed");
// A browser complains of a server that does not answer.
failures.splice(complaints, failures.length, ...failures.slice(complaints).filter((it) => !it.startsWith("console: Failed to load resource")));
await browser.close();
for (const failure of failures) console.log(failure);
process.exit(failures.length ? 1 : 0);
