// Follows a sweep in a real browser: node serve.mjs MODULES CHROMIUM URL
// Requests changes of the store or the server on standard output, one per line: `begin`, `record BATCH`,
// `end`, `another`, `die`, `refuse`, `return`. Continues when a line comes back. Any other line is a
// failed expectation, and then the exit code is 1.
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
const happen = async (event) => {
  console.log(`> ${event}`);
  await answers.next();
};

const failures = [];
const expect = (holds, message) => { if (!holds) failures.push(message); };

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
/** Waits until every page has `selector` with `text`, and returns the milliseconds that took. */
const appears = async (pages, selector, text) => {
  const begun = performance.now();
  try {
    await Promise.all(pages.map((page) => page.locator(selector).filter({ hasText: text }).first().waitFor({ state: "attached", timeout: 40_000 })));
  } catch {
    failures.push(`no '${text}' in ${selector} within 40 s`);
  }
  return performance.now() - begun;
};
/** Hides or shows a tab as far as its script can tell. Headless browsers report every tab as visible. */
const setHidden = (page, hidden) => page.evaluate((hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}, hidden);
const accessible = judge(axe, failures);

// No store exists yet.
const pages = [await open(), await open()];
const [page, other] = pages;
await appears(pages, ".progress", "run an experiment first");
await accessible(page, "without a store");

await happen("begin");
const begun = await appears(pages, "tbody tr", "16");
expect(begun < 8000, `the table of a new sweep appeared after ${Math.round(begun)} ms`);
expect(/6 of 14 trials · 1 running .* left/.test(await page.locator(".state").textContent()), `progress: ${await page.locator(".state").textContent()}`);
await appears([page], ".runs li", "epoch 2 of 5");
await accessible(page, "during a sweep");

// The reader filters, sorts, brushes, opens details, changes the theme and scrolls.
const table = page.locator("table[data-table]");
const batches = async (selector = "table[data-table]") => {
  const table = page.locator(selector);
  const index = await table.locator("thead th").evaluateAll((heads) => heads.findIndex((head) => head.dataset.name === "batch_size"));
  return table.locator("tbody tr").evaluateAll((rows, index) => rows.filter((row) => !row.hidden).map((row) => Number(row.cells[index].dataset.value)), index);
};
await page.locator("[data-filter]").fill("batch_size<=64");
await table.locator('th[data-name="batch_size"] button').click();
await page.locator("[data-theme-switch]").click();
await page.locator("details summary").click();
const axis = page.locator("svg [data-axis]").filter({ has: page.locator("title", { hasText: /^batch_size$/ }) });
await axis.scrollIntoViewIfNeeded();
// The brush covers batches of 16 and 32, the two lowest of three.
const [x, from, to] = await axis.evaluate((axis) => {
  const svg = axis.ownerSVGElement;
  const point = (y) => new DOMPoint(Number(axis.dataset.x), y).matrixTransform(svg.getScreenCTM());
  const ys = [...svg.querySelectorAll("[data-ys]")].map((line) => Number(line.dataset.ys.split(",")[axis.dataset.axis])).sort((a, b) => b - a);
  return [point(0).x, point(Number(axis.dataset.bottom) + 4).y, point((ys[1] + ys[2]) / 2).y];
});
await page.mouse.move(x, from);
await page.mouse.down();
await page.mouse.move(x, to, { steps: 5 });
await page.mouse.up();
await table.locator('th[data-name="batch_size"] button').focus();
await page.evaluate(() => scrollTo({ top: 400, behavior: "instant" }));
const readerState = () => page.evaluate(() => {
  const row = document.querySelector("figcaption").getBoundingClientRect();
  return { top: Math.round(row.top), theme: document.documentElement.dataset.theme, open: document.querySelector("details").open, focus: document.activeElement?.closest("th")?.dataset.name, brushes: document.querySelectorAll(".brush").length };
});
const before = JSON.stringify(await readerState());

for (const batch of [48, 24, 1000]) {
  await happen(`record ${batch}`);
  const inProgress = await appears([page], ".runs li", `batch_size ${batch}`);
  // A tab that becomes visible asks for the page at once.
  await setHidden(page, false);
  const inTable = await appears([page], "tbody tr", String(batch));
  expect(inProgress < 4000 && inTable < 4000, `batch ${batch} appeared after ${Math.round(inProgress)} ms, in the table after ${Math.round(inTable)} ms more`);
}
const after = JSON.stringify(await readerState());
expect(after.replace(/"top":-?\d+/, "") === before.replace(/"top":-?\d+/, ""), `reader state before: ${before}, after: ${after}`);
expect(JSON.stringify(await batches()) === "[16,24,32]", `filtered, brushed and sorted: ${await batches()}`);
expect((await page.locator("[data-filter]").inputValue()) === "batch_size<=64", "the filter is lost");

// A hidden tab asks nothing. Two intervals pass, and one for a request that has begun.
await setHidden(other, true);
await other.waitForTimeout(2000);
let requests = 0;
other.on("request", () => { requests += 1; });
await other.waitForTimeout(5000);
expect(requests === 0, `a hidden tab sent ${requests} requests`);
await setHidden(other, false);
await appears([other], "tbody tr", "1000");
expect(requests > 0, "a visible tab sent no request");
expect((await other.locator("tr[data-setting]").count()) === 7, `${await other.locator("tr[data-setting]").count()} settings`);
expect((await other.locator(".dots").first().locator("[data-setting]").count()) === 6, "the dots of the chart differ from the settings");

// The end of a sweep renews all pages.
await happen("end");
await appears(pages, ".state", "no runner is active");
const isCurrent = (page) => page.evaluate(async () => {
  const fresh = new DOMParser().parseFromString(await (await fetch(".")).text(), "text/html");
  const text = (root) => root.querySelector(".charts-part").textContent;
  return text(fresh) === text(document);
});
let current;
for (let tries = 0; tries < 10 && !current?.every(Boolean); tries += 1) {
  await page.waitForTimeout(1000);
  current = await Promise.all(pages.map(isCurrent));
}
expect(current.every(Boolean), `the charts of the two pages are current: ${current}`);
await accessible(page, "after the end");

// Another experiment takes the first place. The reader's state of the first one stays.
await page.locator("[data-filter]").focus();
await happen("another");
await appears([page], "h2", "alpha");
const sections = await page.locator("main > section.experiment").evaluateAll((sections) => sections.map((section) => {
  const input = section.querySelector("[data-filter]");
  return [section.dataset.experiment, input.value, input.checkVisibility(), input === document.activeElement, section.querySelector("details")?.open ?? false, Boolean(section.querySelector("th[aria-sort]"))].join(" ");
}));
expect(sections.join() === "alpha  true false false false,batch_sweep batch_size<=64 true true true true", `sections: ${sections}`);
expect(JSON.stringify(await batches('section[data-experiment="batch_sweep"] table[data-table]')) === "[16,24,32]", "filtered, brushed and sorted beside another");

const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
await plain.goto(url);
expect(await plain.locator("tbody tr").first().isVisible(), "no table without a script");
expect((await plain.locator(".state").allTextContents()).some((state) => state.includes("of 14 trials")), "no progress without a script");
await plain.close();

const expected = failures.length;
await happen("die");
const lost = (state, timeout, message) => page.locator("[data-lost]").waitFor({ state, timeout }).catch(() => failures.push(message));
await lost("visible", 15_000, "no message when the server is gone");
// The page continues to ask a server that refuses.
await happen("refuse");
await page.waitForTimeout(8000);
expect(await page.locator("[data-refused]").isVisible() && !(await page.locator("[data-lost]").isVisible()), "no separate message for a refusal");
await happen("return");
await lost("hidden", 15_000, "the message stays when the server returns");
// The browser logs every request that fails.
failures.splice(expected, failures.length, ...failures.slice(expected).filter((failure) => !failure.startsWith("console: Failed to load resource")));
await browser.close();
for (const failure of failures) console.log(failure);
process.exit(failures.length ? 1 : 0);
