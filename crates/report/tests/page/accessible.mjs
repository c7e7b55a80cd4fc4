// What axe-core, whose source is `axe`, has against a page goes to `failures`.
export const judge = (axe, failures) => async (page, where) => {
  // It is brought in by the debugger, past the page's own policy.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document, { resultTypes: ["violations"] }).then((it) => JSON.stringify(it.violations.map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + n.failureSummary).join("; "))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  for (const violation of JSON.parse(result.value)) failures.push(`axe, ${where}: ${violation}`);
};
