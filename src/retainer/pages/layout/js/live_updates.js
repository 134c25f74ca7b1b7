// What others change appears on open pages. A page says what it shows (data-live-of: nouns, or one
// record "organizations/12"). It is fetched anew, or offers that where somebody is typing.
//
// A browser opens six connections to a server. So hidden windows have no stream, and where there
// are locks (over TLS, on this machine) one visible window tells the others what it hears.

import { $, element, main, on } from "./dom.js";
import { hasUnsavedText } from "./forms.js";
import { isBusy, refresh } from "./navigation.js";
import { tellSignedOut } from "./session.js";
import { reconnected } from "./submits.js";

const BUSY_DELAY = 300; // milliseconds
const POLL_INTERVAL = 5000; // milliseconds
const MOST_FAILURES = 4; // in a row: then there are no streams

const { live: url, user } = document.body.dataset; // none on pages for everybody
const windows = new BroadcastChannel(`live ${user}`);
let mark = ""; // up to which changes are known here
let isListening = false;
let following = null; // the AbortController of this window's part, while it is visible

const withMark = () => (mark ? `${url}?after=${encodeURIComponent(mark)}` : url);

if (url) {
  for (const name of ["visibilitychange", "signedin"]) on(name, follow);
  addEventListener("pageshow", follow);
  addEventListener("pagehide", stop);
  windows.onmessage = ({ data }) => {
    if (data === "hello") {
      if (isListening) windows.postMessage({ mark });
    } else if (following) {
      receive(data);
    }
  };
}

function stop() {
  following?.abort();
  following = null;
  isListening = false;
}

function follow() {
  stop();
  if (document.hidden) return;
  following = new AbortController();
  const { signal } = following;
  if (mark) catchUp(receive); // on what happened while nobody looked
  else windows.postMessage("hello");
  if (!navigator.locks) return listen(signal);
  const whileListening = () => new Promise((resolve) => {
    signal.addEventListener("abort", resolve);
    listen(signal);
  });
  navigator.locks.request(`live ${user}`, { signal }, whileListening).catch(() => {});
}

function listen(signal) {
  const source = new EventSource(withMark());
  let failures = 0;
  isListening = true;
  signal.addEventListener("abort", () => source.close());
  for (const name of ["ready", "changed"]) {
    source.addEventListener(name, ({ data }) => {
      failures = 0;
      pass(JSON.parse(data));
    });
  }
  source.addEventListener("error", () => {
    if (++failures < MOST_FAILURES && source.readyState !== EventSource.CLOSED) return;
    source.close();
    poll(signal); // a proxy on the way lets no stream through
  });
}

async function poll(signal) {
  if (signal.aborted || !(await catchUp(pass))) return;
  setTimeout(poll, POLL_INTERVAL, signal);
}

async function catchUp(take) {
  try {
    const response = await fetch(withMark(), { headers: { Accept: "application/json" } });
    if (response.status === 401) return tellSignedOut();
    take(await response.json());
  } catch {} // the next attempt may reach the server
  return true;
}

function pass(changes) {
  windows.postMessage(changes);
  receive(changes);
}

function receive(changes) {
  mark = changes.mark ?? mark;
  reconnected();
  show(changes);
}

function show(changes) {
  // It may be this page's own change, whose response is still on its way.
  if (isBusy()) return setTimeout(show, BUSY_DELAY, changes);
  if (!isShown(changes) || isOwn(changes)) return;
  if (hasUnsavedText() || $("dialog[open], details.menu[open]")) offerRefresh();
  else showChanges();
}

function isShown({ records = [], nouns = [] }) {
  const isChanged = (shown) => {
    const [noun, id] = shown.split("/");
    return id && !records.includes("*") ? records.includes(shown) : nouns.includes(noun);
  };
  return main().dataset.liveOf?.split(" ").some(isChanged);
}

// Where its message is shown, the change is.
function isOwn({ operations = [] }) {
  const hasToast = ({ id }) => $(`#toasts form[action="/operations/${id}/undo"]`);
  return operations.length > 0 && operations.every(hasToast);
}

function showChanges() {
  $("#changes-by-others")?.remove();
  refresh();
}

function offerRefresh() {
  if ($("#changes-by-others")) return;
  const look = { id: "changes-by-others", className: "button changes-by-others" };
  const words = "Changed by others: show";
  document.body.append(element("button", { ...look, onclick: showChanges }, words));
}
