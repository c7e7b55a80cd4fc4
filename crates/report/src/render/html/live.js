// Keeps the page current by polling the server. Elements that have not changed stay untouched, so
// that scroll position, focus, selection, filter, order, brushes and open details survive.
"use strict";
(() => {
  // Milliseconds between two requests while the tab is visible. A hidden tab sends none.
  const PROGRESS_INTERVAL = 2_000;
  const PAGE_INTERVAL = 10_000;
  const PAGE_INTERVAL_WHILE_ACTIVE = 30_000; // drawing the page costs the sweep more than serving it
  const TIMEOUT = 10_000;

  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");
  const progress = document.querySelector(".progress-part");
  const isActive = () => Boolean(progress.querySelector("[data-active]"));

  const servedParts = new Map(); // the HTML of each part as the server last sent it
  const nameOf = (part) => `${part.closest(".experiment")?.dataset.experiment ?? ""}/${part.className}`;
  const isSelected = (element) => !getSelection().isCollapsed && element.contains(getSelection().anchorNode);
  const columns = (head) => all("th", head).map((cell) => cell.dataset.name).join();
  const isCurrent = (old, fresh) => {
    if (old.nodeName === "THEAD") return columns(old) === columns(fresh); // page.js made the buttons there
    if (!old.classList?.contains("part")) return false;
    if (isSelected(old)) return true; // the selection would be lost
    const [name, html] = [nameOf(fresh), fresh.innerHTML];
    if (servedParts.get(name) === html) return true;
    servedParts.set(name, html);
    return false;
  };

  // Makes `old` equal to `fresh` and touches only what differs.
  const update = (old, fresh) => {
    if (isCurrent(old, fresh)) return;
    for (const { name, value } of fresh.attributes ?? []) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...(fresh.attributes ? old.attributes : [])]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    const [oldNodes, freshNodes] = [[...old.childNodes], [...fresh.childNodes]];
    freshNodes.forEach((freshNode, index) => {
      const oldNode = oldNodes[index];
      if (!oldNode) old.append(freshNode);
      else if (oldNode.nodeName !== freshNode.nodeName) oldNode.replaceWith(freshNode);
      else if (oldNode.nodeType === Node.ELEMENT_NODE) update(oldNode, freshNode);
      else if (oldNode.data !== freshNode.data) oldNode.data = freshNode.data;
    });
    oldNodes.slice(freshNodes.length).forEach((node) => node.remove());
  };

  // Moves every experiment to its new position, so that `update` meets the section of the same experiment.
  const alignExperiments = (main, fresh) => {
    for (const element of [main, fresh]) [...element.childNodes].filter((node) => node.nodeType !== Node.ELEMENT_NODE).forEach((node) => node.remove());
    const name = (section) => section?.dataset.experiment;
    const freshSections = all(".experiment", fresh);
    for (const section of all(".experiment", main)) if (!freshSections.some((other) => name(other) === name(section))) section.remove();
    freshSections.forEach((section, index) => {
      const sections = all(".experiment", main);
      if (name(sections[index]) !== name(section)) main.insertBefore(document.createElement("section"), sections[index] ?? null).className = "experiment";
    });
  };

  class Refused extends Error {}
  const request = async (address, headers = {}) => {
    const response = await fetch(address, { headers, signal: AbortSignal.timeout(TIMEOUT) });
    if (!response.ok && response.status !== 304) throw new Refused(response.statusText);
    return response;
  };

  let isPressed = false; // nothing moves under a pressed button
  const renewProgress = async () => {
    const fresh = parse(await (await request("progress")).text()).body;
    if (!isPressed) update(progress.firstElementChild, fresh.firstElementChild);
  };

  let etag = null;
  let pageRenewedAt = performance.now();
  const renewPage = async () => {
    const response = await request(".", etag ? { "If-None-Match": etag } : {});
    const fresh = response.status === 304 ? null : parse(await response.text());
    if (isPressed) return;
    pageRenewedAt = performance.now();
    if (!fresh) return;
    etag = response.headers.get("ETag");
    document.title = fresh.title;
    alignExperiments(document.querySelector("main"), fresh.querySelector("main"));
    for (const selector of [".heading-part", "main"]) update(document.querySelector(selector), fresh.querySelector(selector));
    document.dispatchEvent(new Event("renewed"));
  };

  const showLost = (kind) => {
    for (const note of all("[data-lost], [data-refused]")) note.hidden = !note.matches(`[data-${kind}]`);
  };

  let timer = 0;
  let isPolling = false;
  const poll = async () => {
    clearTimeout(timer);
    if (document.hidden || isPolling) return;
    isPolling = true;
    try {
      const wasActive = isActive();
      await renewProgress();
      const interval = isActive() ? PAGE_INTERVAL_WHILE_ACTIVE : PAGE_INTERVAL;
      if (isActive() !== wasActive) pageRenewedAt = -Infinity; // the start or end of a sweep
      if (performance.now() - pageRenewedAt >= interval) await renewPage();
    } catch (error) {
      showLost(error instanceof Refused ? "refused" : "lost");
      pageRenewedAt = -Infinity;
    }
    isPolling = false;
    timer = setTimeout(poll, PROGRESS_INTERVAL);
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) pageRenewedAt = -Infinity;
    poll();
  });
  addEventListener("pointerdown", ({ button }) => { isPressed = button === 0; }, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { isPressed = false; }, true);
  poll();
})();
