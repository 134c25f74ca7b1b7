// The list that a record was opened from, the records beside it, and those that were open last.

import { $, $$, currentUrl, main } from "./dom.js";
import { onRender } from "./navigation.js";
import { recall, remember } from "./storage.js";

const RECENT = 8;

const listKey = (path) => `list ${path}`;

for (const each of [rememberList, linkBackToList, rememberRecord]) onRender(each);

function rememberList() {
  const rows = $$("table [data-row]").map((link) => link.getAttribute("href"));
  if (!rows.length) return;
  remember(listKey(location.pathname), { address: currentUrl(), rows });
}

function linkBackToList() {
  const link = $("[data-back-to-list]");
  const list = link && recall(listKey(link.pathname));
  if (list) link.href = list.address;
}

// Its own page says which record it is: data-record="organizations/12".
function rememberRecord() {
  const { record } = main().dataset;
  if (location.pathname !== `/${record}`) return;
  const others = (recall("recent") || []).filter((other) => other !== record);
  remember("recent", [record, ...others].slice(0, RECENT));
}

// The URL of the record before (-1) or after (1) this one, if there is one.
export function adjacentRecord(step) {
  const [, noun] = location.pathname.split("/");
  const rows = recall(listKey(`/${noun}`))?.rows || [];
  const index = rows.indexOf(location.pathname);
  return index < 0 ? null : rows[index + step];
}
