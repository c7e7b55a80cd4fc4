// Checks a page with axe-core, whose source is `axe`, and adds violations to `failures`.
export const judge = (axe, failures) => async (page, where) => {
  // The debugger injects the script, because the page's policy forbids other scripts.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document, { resultTypes: ["violations"] }).then((result) => JSON.stringify(result.violations.map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + n.failureSummary).join("; "))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  for (const violation of JSON.parse(result.value)) failures.push(`axe, ${where}: ${violation}`);
};
