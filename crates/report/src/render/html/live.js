// Following a sweep: how far it is, at once; what has changed on the page, where it is looked at or needed. The reader's place, focus,
// selection, filter, order, brushes and open details stay, because what is the same is left alone.
"use strict";
(() => {
  const every = (selector, within = document) => [...within.querySelectorAll(selector)];
  let parts; // by name

  // Makes what `old` holds what `fresh` holds, touching only what differs. Heads of the same columns are page.js's.
  const columns = (head) => every("th", head).map((it) => it.dataset.name).join();
  const become = (old, fresh) => {
    if (old.nodeName === "THEAD" && columns(old) === columns(fresh)) return;
    for (const { name, value } of fresh.attributes ?? []) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...(fresh.attributes ? old.attributes : [])]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    const [were, are] = [[...old.childNodes], [...fresh.childNodes]];
    are.forEach((now, index) => {
      const was = were[index];
      if (!was) old.append(now);
      else if (was.nodeName !== now.nodeName) was.replaceWith(now);
      else if (was.nodeType === Node.ELEMENT_NODE) become(was, now);
      else if (was.data !== now.data) was.data = now.data;
    });
    were.slice(are.length).forEach((it) => it.remove());
  };
  const renew = (name, digest, html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    become(parts.get(name), template.content);
    parts.get(name).dataset.digest = digest;
    painted.set(name, performance.now());
  };

  let news = null; // what the server said last
  let busy = false; // something is being fetched
  let again = false; // and more is wanted since
  let held = false; // a button is down: nothing moves under the hand

  // What is looked at: in sight, or nearly.
  const seen = new Set();
  const watching = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const { part, digest } = target.dataset;
      seen[isIntersecting ? "add" : "delete"](part);
      // Who comes upon what is behind does not wait.
      if (isIntersecting && news?.parts.some(([name, now]) => name === part && now !== digest)) painted.set(part, -Infinity);
    }
    catchUp();
  }, { rootMargin: "100px" });
  const find = () => {
    parts = new Map(every("[data-part]").map((it) => [it.dataset.part, it]));
    for (const part of parts.values()) watching.observe(part);
    for (const name of parts.keys()) painted.set(name, performance.now());
  };

  const reads = (element) => !getSelection().isCollapsed && element.contains(getSelection().anchorNode);
  // Tables are needed wherever they are, and charts that are brushed: they say which rows remain. Other charts cost most to paint, and
  // follow more slowly.
  const PATIENCE = 60_000 / (navigator.hardwareConcurrency || 1); // milliseconds
  const painted = new Map(); // by part: when it was
  const patient = (name) => /-(effects|charts|trial)$/.test(name) && performance.now() - painted.get(name) < PATIENCE;
  const wanted = (name, all) => all || name.endsWith("-table") || parts.get(name).querySelector(".brush") || (seen.has(name) && !patient(name));
  const stale = (all) => news.parts
    .filter(([name, digest]) => name !== "progress" && parts.get(name).dataset.digest !== digest && wanted(name, all) && !reads(parts.get(name)))
    .map(([name]) => name);

  const fetched = async (address, how) => {
    const response = await fetch(address);
    if (!response.ok) throw new Error(response.statusText);
    return response[how]();
  };
  // Experiments come and go: each keeps its room, and what the reader did there.
  const align = (main, fresh) => {
    for (const it of [main, fresh]) [...it.childNodes].filter((node) => node.nodeType !== Node.ELEMENT_NODE).forEach((node) => node.remove());
    const name = (room) => room?.dataset.experiment;
    const are = every(".experiment", fresh);
    for (const room of every(".experiment", main)) if (!are.some((it) => name(it) === name(room))) room.remove();
    are.forEach((it, index) => {
      const rooms = every(".experiment", main);
      if (name(rooms[index]) !== name(it)) main.insertBefore(document.createElement("section"), rooms[index] ?? null).className = "experiment";
    });
  };
  const renewAll = async () => {
    const page = new DOMParser().parseFromString(await fetched(".", "text"), "text/html");
    document.title = page.title;
    align(document.querySelector("main"), page.querySelector("main"));
    for (const room of ["header > [data-part]", "main"]) become(document.querySelector(room), page.querySelector(room));
    find();
  };

  // All in one go, so that it is painted once.
  let everything = false; // is wanted, though nobody looks at it
  const catchUp = async (all = false) => {
    everything ||= all;
    again ||= busy;
    if (busy || held || !news || document.hidden) return;
    busy = true;
    const told = news;
    const { progress, parts: digests } = told;
    try {
      const same = digests.map(([name]) => name).join() === [...parts.keys()].join();
      const names = same ? stale(everything) : [];
      everything = false;
      const fresh = names.length ? await fetched(`parts/${names.join()}`, "json") : {};
      if (!same) await renewAll();
      for (const [name, [digest, html]] of Object.entries(fresh)) renew(name, digest, html);
      if (!same || names.length) document.dispatchEvent(new Event("renewed"));
    } catch {
      // It did not answer: with its next news it is asked again.
    }
    if (parts.has("progress")) renew("progress", new Map(digests).get("progress"), progress);
    busy = false;
    if (!again && told === news) return;
    again = false;
    catchUp();
  };

  const hear = (data) => {
    if (data === "lost" || data === "refused") {
      news = null;
      for (const it of every("[data-lost], [data-refused]")) it.hidden = !it.matches(`[data-${data}]`);
      return;
    }
    if (data !== "rests") news = JSON.parse(data);
    catchUp(data === "rests");
  };

  let [leave, use] = [null, null];
  const join = () => {
    if (leave || document.hidden) return;
    if (globalThis.SharedWorker) {
      const { port } = new SharedWorker("follow.js");
      port.onmessage = ({ data }) => hear(data);
      leave = () => port.postMessage("leaves");
      use = () => port.postMessage("used");
    } else {
      const source = new EventSource("events");
      source.onmessage = ({ data }) => hear(data);
      source.addEventListener("rests", ({ data }) => { hear(data); hear("rests"); });
      source.onerror = () => {
        const refused = source.readyState === EventSource.CLOSED;
        hear(refused ? "refused" : "lost");
        if (refused) setTimeout(() => { depart(); join(); }, 5_000);
      };
      leave = () => source.close();
    }
  };
  // A page that nobody sees costs nothing; the one that is used goes first.
  const depart = () => { leave?.(); [leave, use] = [null, null]; };
  document.addEventListener("visibilitychange", () => (document.hidden ? depart() : join()));
  addEventListener("pagehide", depart);
  addEventListener("pageshow", join);
  for (const act of ["focus", "pointerdown", "keydown", "wheel"]) addEventListener(act, () => use?.(), { capture: true, passive: true });
  addEventListener("pointerdown", ({ button }) => { held = button === 0; }, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { held = false; catchUp(); }, true);
  find();
  join();
})();
