// One connection to the server, however many pages of it a browser has open: browsers allow six, and what comes is read once.
"use strict";
const pages = new Set();
let source = null;
let last = null;
const tell = (news) => {
  last = news;
  for (const page of pages) page.postMessage(news);
};
addEventListener("connect", ({ ports: [page] }) => {
  pages.add(page);
  if (last) page.postMessage(last);
  page.onmessage = () => {
    pages.delete(page);
    if (pages.size) return;
    source.close();
    source = last = null;
  };
  if (source) return;
  source = new EventSource("events");
  source.onmessage = ({ data }) => tell(data);
  source.onerror = () => tell("");
});
