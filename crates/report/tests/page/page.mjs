// Uses a page as a reader does, in a real browser: node page.mjs MODULES CHROMIUM PAGE [KIND]
// KIND is `usual` (default), `hostile`, `few` or `many`. Prints one line per failed expectation; then
// the exit code is 1.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";
import { judge } from "./accessible.mjs";

const [modules, executablePath, file, kind = "usual"] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/`));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const failures = [];
const expect = (holds, message) => { if (!holds) failures.push(message); };

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** Opens the page in a window of its own and records its requests, errors and warnings as failures. */
const open = async (options) => {
  const context = await browser.newContext({ bypassCSP: false, ...options });
  const page = await context.newPage();
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) failures.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => failures.push(`script: ${error}`));
  page.on("dialog", (dialog) => { failures.push("a dialog opened"); dialog.dismiss(); });
  page.on("request", (request) => { if (!/^(file|data):/.test(request.url())) failures.push(`request: ${request.url()}`); });
  await page.goto(pathToFileURL(file).href);
  return page;
};

const accessible = judge(axe, failures);

const fits = async (page, width) => {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over <= 0, `${over} pixels wider than a window of ${width}`);
};

for (const colorScheme of ["light", "dark"]) {
  const page = await open({ colorScheme, viewport: { width: 1280, height: 900 } });
  await accessible(page, colorScheme);
  await fits(page, 1280);
  await page.context().close();
}
for (const width of [375, 2200]) {
  const page = await open({ viewport: { width, height: 700 } });
  await fits(page, width);
  if (width === 375) await accessible(page, "phone");
  await page.context().close();
}
{
  const page = await open({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  expect(await page.locator("main").isVisible(), "no page without a script");
  for (const row of await page.locator("tbody tr:first-child").all()) expect(await row.isVisible(), "no table without a script");
  for (const filter of await page.locator("[data-filter]").all()) expect(await filter.isHidden(), "a filter without a script");
  await page.context().close();
}

const page = await open({ viewport: { width: 1280, height: 900 } });
expect((await page.title()).length > 0, "no title");
const executed = await page.evaluate(() => globalThis.executed);
expect(executed === undefined, "text of the store was executed");

if (kind === "usual") {
  const table = page.locator("table[data-table]").first();
  const rows = table.locator("tbody tr");
  const column = async (name) => {
    const index = await table.locator("thead th").evaluateAll((heads, name) => heads.findIndex((head) => head.dataset.name === name), name);
    return rows.evaluateAll((rows, index) => rows.filter((row) => !row.hidden).map((row) => Number(row.cells[index].dataset.value)), index);
  };
  await page.setViewportSize({ width: 1080, height: 900 });
  const cut = await table.evaluate((table) => table.scrollWidth - table.closest(".scroll").clientWidth);
  expect(cut <= 0, `${cut} pixels of the table are cut off`);
  await page.setViewportSize({ width: 1280, height: 900 });
  const sorted = (numbers, by) => numbers.every((number, i) => i === 0 || by(numbers[i - 1], number));

  // Sorting, by mouse and by keyboard.
  const head = table.locator('th[data-name="batch_size"]');
  await head.locator("button").click();
  expect(sorted(await column("batch_size"), (a, b) => a <= b), "not sorted in ascending order");
  expect((await head.getAttribute("aria-sort")) === "ascending", "aria-sort is not ascending");
  await head.locator("button").focus();
  await page.keyboard.press("Enter");
  expect(sorted(await column("batch_size"), (a, b) => a >= b), "not sorted in descending order");

  // Filtering.
  const all = (await column("batch_size")).length;
  const filter = page.locator("[data-filter]").first();
  await filter.fill("batch_size<=32 decay=0");
  const few = await column("batch_size");
  expect(few.length > 0 && few.length < all && few.every((batch) => batch <= 32), `filter left ${few}`);
  const hidden = await page.locator(".chart-room [data-setting].out").count();
  expect(hidden > 0, "the charts ignore the filter");
  for (const [typed, left] of [["batch_size <= 32 and decay == 0", few.length], ["batch_size<", all], ["test_accuracy>200%", 0], ["Test accuracy > 200%", 0], ["test_accuracy>2", all], ["test_accuracy>0.5", all]]) {
    await filter.fill(typed);
    expect((await column("batch_size")).length === left, `'${typed}' left ${(await column("batch_size")).length}, not ${left}`);
  }
  await filter.fill("nonsense<=3");
  expect((await filter.getAttribute("aria-invalid")) === "true", "an unknown column is accepted");
  await page.locator("[data-reset]").first().click();
  expect((await column("batch_size")).length === all, "reset does not show all rows");

  // Pointing at a chart highlights the row, and the reverse.
  const mark = page.locator(".dots [data-setting] circle").first();
  await mark.scrollIntoViewIfNeeded();
  await mark.hover({ force: true });
  const setting = await page.locator(".dots [data-setting]").first().getAttribute("data-setting");
  expect((await page.locator(`tr.lit[data-setting="${setting}"]`).count()) === 1, "pointing at a chart highlights no row");
  expect((await page.locator("#tip").textContent()).includes("%"), "pointing at a dot shows no tip");
  await rows.first().hover();
  expect((await page.locator(".chart-room.pointed").count()) > 0, "pointing at a row highlights no chart");
  await page.mouse.move(1, 1);

  // Brushing along an axis.
  const axis = page.locator("svg [data-axis]").first();
  if (await axis.count()) {
    await axis.scrollIntoViewIfNeeded();
    const [x, from, to] = await axis.evaluate((axis) => {
      const matrix = axis.ownerSVGElement.getScreenCTM();
      const point = (y) => new DOMPoint(Number(axis.dataset.x), y).matrixTransform(matrix);
      const [top, bottom] = [Number(axis.dataset.top), Number(axis.dataset.bottom)];
      return [point(top).x, point(top - 4).y, point((top + bottom) / 2).y];
    });
    await page.mouse.move(x, from);
    await page.mouse.down();
    await page.mouse.move(x, to, { steps: 5 });
    await page.mouse.up();
    const left = (await column("batch_size")).length;
    expect(left > 0 && left < all, `brushing left ${left} of ${all}`);
    await page.mouse.click(x, to);
    expect((await column("batch_size")).length === all, "a click does not remove the brush");
  } else {
    failures.push("no axis to brush");
  }

  // The theme.
  await page.locator("[data-theme-switch]").click();
  await page.locator("[data-theme-switch]").click();
  expect((await page.evaluate(() => document.documentElement.dataset.theme)) === "dark", "no dark theme");
  await accessible(page, "dark by choice");
}
await browser.close();
for (const failure of failures) console.log(failure);
process.exit(failures.length ? 1 : 0);
