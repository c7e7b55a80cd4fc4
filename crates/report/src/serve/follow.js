// One connection to the server, however many pages of it a browser has open: browsers allow six. And one that shares out: to paint a
// page costs more than all the server does, so that beside a sweep only the page that is used, or else the last one opened, is told
// everything at once, and the others take turns until there is time for all.
"use strict";
const RETRY = 5_000; // milliseconds until a server is asked again that refused
const SILENCE = 40_000; // and one that gives no sign of life, which it does every 15 s
const HERE = /(^|\.)localhost$|^127\.|^\[::1\]$/.test(location.hostname); // what is painted elsewhere costs nothing here

const pages = new Map(); // which news each was told last; those that wait longest first
let front = null;
let first = true; // no other browser on this machine came later
let source = null;
let news = null; // nothing yet; "lost" where the server does not answer, "refused" where it answers nothing that can be followed
let timer = 0;
let sharing = false;

const tell = (page) => {
  if (pages.get(page) === news) return;
  pages.delete(page);
  pages.set(page, news);
  page.postMessage(news);
};
const tellAll = () => [...pages.keys()].forEach(tell);
const waiting = () => [...pages].find(([page, told]) => told !== news && page !== front)?.[0];
const share = async () => {
  if (sharing) return;
  sharing = true;
  while (waiting()) {
    const turn = await fetch("turn").catch(() => null);
    const page = waiting();
    if (!turn?.ok || !page) break;
    tell(page);
  }
  sharing = false;
};
const hear = ({ data }) => {
  news = data;
  if (!HERE) return tellAll();
  if (front) tell(front);
  share();
};
const settle = ({ data }) => {
  news = data;
  tellAll();
  for (const page of pages.keys()) page.postMessage("rests");
};
const lose = () => {
  const refused = source.readyState === EventSource.CLOSED;
  news = refused ? "refused" : "lost";
  tellAll();
  // The browser tries again by itself, but not where it was refused.
  if (refused) wait(RETRY);
};
const wait = (milliseconds) => {
  clearTimeout(timer);
  timer = setTimeout(() => { lose(); connect(); }, milliseconds);
};
const connect = () => {
  source?.close();
  first = true;
  source = new EventSource(HERE ? "events?here" : "events");
  source.onmessage = hear;
  source.onerror = lose;
  source.addEventListener("rests", settle);
  source.addEventListener("first", ({ data }) => { first = data === "true"; });
  for (const sign of ["message", "rests", "first", "alive"]) source.addEventListener(sign, () => wait(SILENCE));
  wait(SILENCE);
};
const use = (page) => {
  front = page;
  if (!source || !first || source.readyState === EventSource.CLOSED) connect();
  tell(page);
};
addEventListener("connect", ({ ports: [page] }) => {
  pages.set(page, null);
  use(page);
  page.onmessage = ({ data }) => {
    if (data === "used") return use(page);
    pages.delete(page);
    if (page === front) front = [...pages.keys()].at(-1) ?? null;
    if (pages.size) return;
    source.close();
    clearTimeout(timer);
    [source, news] = [null, null];
  };
});
