// The list that a record was opened from: the way back to it, and the records beside this one.

import { $, $$, currentUrl } from "./dom.js";
import { onRender } from "./navigation.js";
import { readJson, writeJson } from "./storage.js";

const listKey = (path) => `list ${path}`;

onRender(rememberList);
onRender(linkBackToList);

function rememberList() {
  const rows = $$("table [data-row]").map((link) => link.getAttribute("href"));
  if (!rows.length) return;
  writeJson(sessionStorage, listKey(location.pathname), { address: currentUrl(), rows });
}

// With the filter, sort and rows that the list had.
function linkBackToList() {
  const link = $("[data-back-to-list]");
  const list = link && readJson(sessionStorage, listKey(link.pathname));
  if (list) link.href = list.address;
}

// The URL of the record before (-1) or after (1) this one, if there is one.
export function adjacentRecord(step) {
  const [, noun] = location.pathname.split("/");
  const rows = readJson(sessionStorage, listKey(`/${noun}`))?.rows || [];
  const index = rows.indexOf(location.pathname);
  return index < 0 ? null : rows[index + step];
}
