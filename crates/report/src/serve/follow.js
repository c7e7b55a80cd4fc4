// One connection to the server, however many pages of it a browser has open: browsers allow six. And one that shares out: to paint a
// page costs more than all the server does, so that a page that is used, or else the last one opened, is told everything at once, and
// the others only so much a second. What happens now and then reaches all of them at once; while runs end by the dozen they take turns.
"use strict";
const CORES = navigator.hardwareConcurrency || 2;
const MOST = CORES / 2; // tellings that may have been saved up
const A_SECOND = CORES / 40; // saved
const REST = { true: 10_000, false: 2_000 }; // milliseconds without a change, while something runs or not: then all is shown everywhere

const pages = new Map(); // which news each was told last; those that wait longest first
let front = null;
let source = null;
let news = "";
let shown = ""; // what of it is not progress
let saved = MOST;
let counted = performance.now();
let [later, rest] = [0, 0];

const tell = (page) => {
  if (pages.get(page) === news) return;
  pages.delete(page);
  pages.set(page, news);
  page.postMessage(news);
};
const share = () => {
  saved = Math.min(MOST, saved + A_SECOND * (performance.now() - counted) / 1000);
  counted = performance.now();
  for (const [page, told] of [...pages]) {
    if (page === front || told === news || saved < 1) continue;
    saved -= 1;
    tell(page);
  }
  clearTimeout(later);
  if ([...pages.values()].some((told) => told !== news)) later = setTimeout(share, 1000 / A_SECOND);
};
const settle = () => {
  for (const page of [...pages.keys()]) {
    tell(page);
    page.postMessage("rests");
  }
};
const hear = (data) => {
  const before = shown;
  const { going, parts } = JSON.parse(data);
  [news, shown] = [data, JSON.stringify([going, parts.filter(([name]) => name !== "progress")])];
  if (front) tell(front);
  // Mere progress can wait until it is cheap.
  if (shown === before) return;
  share();
  clearTimeout(rest);
  rest = setTimeout(settle, REST[going]);
};
const lose = () => {
  news = shown = "";
  for (const page of [...pages.keys()]) tell(page);
};
const use = (page) => {
  front = page;
  if (news) tell(page);
};
addEventListener("connect", ({ ports: [page] }) => {
  pages.set(page, null);
  use(page);
  page.onmessage = ({ data }) => {
    if (data === "used") return use(page);
    pages.delete(page);
    if (page === front) front = [...pages.keys()].at(-1) ?? null;
    if (pages.size) return;
    clearTimeout(later);
    clearTimeout(rest);
    source.close();
    source = null;
    news = shown = "";
  };
  if (source) return;
  source = new EventSource("events");
  source.onmessage = ({ data }) => hear(data);
  source.onerror = lose;
});
