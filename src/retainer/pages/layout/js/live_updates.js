// What others change appears on open pages. A page says what it shows (data-live-of: nouns, or one
// record "organizations/12"). It is fetched anew in place; a button offers that where somebody is
// typing or has something open.

import { $, $$, element, main } from "./dom.js";
import { hasUnsavedText } from "./forms.js";
import { go } from "./navigation.js";

const BUSY_DELAY = 300; // milliseconds
const POLL_INTERVAL = 5000; // milliseconds
const MOST_FAILURES = 4; // in a row, after which streams are given up
const FIRST_ROWS = 50; // that a list shows before more are loaded
const MOST_ROWS = 1000; // that a list can be asked for

const url = document.body.dataset.live; // none on pages for everybody
if (url) listen();

function listen() {
  const source = new EventSource(url);
  let failures = 0;
  source.addEventListener("changed", (event) => receive(JSON.parse(event.data)));
  source.addEventListener("open", () => {
    failures = 0;
  });
  source.addEventListener("error", () => {
    failures += 1;
    if (failures < MOST_FAILURES && source.readyState !== EventSource.CLOSED) return;
    source.close();
    poll(); // a proxy on the way lets no stream through
  });
}

async function poll(after) {
  try {
    const poll = after ? `${url}?after=${encodeURIComponent(after)}` : url;
    const response = await fetch(poll, { headers: { Accept: "application/json" } });
    if (response.status === 401) return;
    const changes = await response.json();
    if (after) receive(changes);
    after = changes.mark ?? after;
  } catch {
    // The next attempt may reach the server.
  }
  setTimeout(poll, POLL_INTERVAL, after);
}

function receive(changes) {
  // It may be this page's own change, reported before the response to it has arrived.
  if ($("[data-busy]")) return setTimeout(receive, BUSY_DELAY, changes);
  if (!isShown(changes) || isOwn(changes)) return;
  if (hasUnsavedText() || $("dialog[open], details.menu[open]")) offerRefresh();
  else refresh();
}

function isShown({ records = [], nouns = [] }) {
  const isEverything = records.includes("*");
  const isChanged = (shown) => {
    const isRecord = shown.includes("/") && !isEverything;
    return isRecord ? records.includes(shown) : nouns.includes(shown.split("/")[0]);
  };
  return main().dataset.liveOf?.split(" ").some(isChanged);
}

// This page shows the message of that change, so the response already brought what changed.
function isOwn({ operations = [] }) {
  const hasToast = ({ id }) => $(`#toasts form[action="/operations/${id}/undo"]`);
  return operations.length > 0 && operations.every(hasToast);
}

function refresh() {
  $("#changes-by-others")?.remove();
  const here = new URL(location.href);
  const rows = $$("table [data-row]").length;
  if (rows > FIRST_ROWS) here.searchParams.set("limit", Math.min(rows, MOST_ROWS));
  go(here.pathname + here.search, {});
}

function offerRefresh() {
  if ($("#changes-by-others")) return;
  const button = element(
    "button",
    { id: "changes-by-others", className: "button changes-by-others", onclick: refresh },
    "Changed by others: show",
  );
  document.body.append(button);
}
