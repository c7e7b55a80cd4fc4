// Following a sweep: how far it is, at once; what has changed on the page, where it is looked at or needed. The reader's place, focus,
// selection, filter, order, brushes and open details stay, because what is the same is left alone.
"use strict";
(() => {
  const every = (selector, within = document) => [...within.querySelectorAll(selector)];
  const part = (name) => document.querySelector(`[data-part="${name}"]`);

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
  const renew = (name, html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    become(part(name), template.content);
  };

  let news = null; // what the server said last
  let busy = false; // something is being fetched
  let held = false; // a button is down: nothing moves under the hand
  let resting = 0; // a timer: when nothing comes any more, all of the page is made new

  // What is looked at: in sight, or nearly.
  const seen = new Set();
  const watching = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target.dataset.part);
    catchUp();
  }, { rootMargin: "300px" });
  const watchParts = () => every("[data-part]").forEach((it) => watching.observe(it));

  const reads = (element) => !getSelection().isCollapsed && element.contains(getSelection().anchorNode);
  // Tables are needed wherever they are, and charts that are brushed: they say which rows remain.
  const wanted = (name, all) => all || seen.has(name) || name.endsWith("-table") || part(name).querySelector(".brush");
  const stale = (all) => news.parts
    .filter(([name, digest]) => part(name).dataset.digest !== digest && wanted(name, all) && !reads(part(name)))
    .map(([name]) => name);

  const fetched = async (address, how) => {
    const response = await fetch(address);
    if (!response.ok) throw new Error(response.statusText);
    return response[how]();
  };
  const renewParts = async (names) => {
    const parts = await fetched(`parts/${names.join()}`, "json");
    for (const [name, [digest, html]] of Object.entries(parts)) {
      renew(name, html);
      part(name).dataset.digest = digest;
    }
  };
  const renewAll = async () => {
    const page = new DOMParser().parseFromString(await fetched(".", "text"), "text/html");
    document.title = page.title;
    become(document.querySelector("main"), page.querySelector("main"));
    watchParts();
  };

  const catchUp = async (all = false) => {
    if (busy || held || !news || document.hidden) return;
    busy = true;
    try {
      const same = news.parts.map(([name]) => name).join() === every("[data-part]").map((it) => it.dataset.part).join();
      const names = same ? stale(all) : [];
      if (!same) await renewAll();
      else if (names.length) await renewParts(names);
      if (!same || names.length) document.dispatchEvent(new Event("renewed"));
    } catch {
      // It did not answer: with its next news it is asked again.
    }
    busy = false;
  };

  const hear = (data) => {
    const lost = () => document.querySelector("[data-lost]");
    if (!data) {
      if (lost()) lost().hidden = false;
      return;
    }
    news = JSON.parse(data);
    // It comes with the news.
    renew("progress", news.progress);
    part("progress").dataset.digest = Object.fromEntries(news.parts).progress;
    clearTimeout(resting);
    resting = setTimeout(() => catchUp(true), 3000);
    catchUp();
  };

  let leave = null;
  const join = () => {
    if (leave || document.hidden) return;
    if (globalThis.SharedWorker) {
      const { port } = new SharedWorker("follow.js");
      port.onmessage = ({ data }) => hear(data);
      leave = () => port.postMessage("leaves");
    } else {
      const source = new EventSource("events");
      source.onmessage = ({ data }) => hear(data);
      source.onerror = () => hear("");
      leave = () => source.close();
    }
  };
  // A page that nobody sees costs nothing.
  const depart = () => { leave?.(); leave = null; };
  document.addEventListener("visibilitychange", () => (document.hidden ? depart() : join()));
  addEventListener("pagehide", depart);
  addEventListener("pageshow", join);
  addEventListener("pointerdown", () => { held = true; }, true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { held = false; catchUp(); }, true);
  watchParts();
  join();
})();
