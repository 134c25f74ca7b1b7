// What pages do beyond links and forms: keys, selection, dialogs, the palette, messages, saving in place, live changes.
// Everything it adds clicks a real control or sends a real form; without it every page still reads and writes.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const main = () => $("#main");
const dialog = $("#dialog");
const palette = $("#palette");
const shown = (node) => node && node.isConnected && node.getClientRects().length > 0;

// ---------------------------------------------------------------- going from page to page

let asked = null; // what the swap under way was asked for

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  const form = ctx.sourceElement.closest?.("form");
  // A second press of the same button would do it twice.
  if (ctx.request.method === "POST" && form) {
    if (form.dataset.busy) return ctx.request.abort();
    form.dataset.busy = "on";
  }
  // The boxes left empty are no part of a list's address.
  if (ctx.request.method === "GET") {
    for (const [name, value] of [...ctx.request.body]) if (!value) ctx.request.body.delete(name);
  }
});

document.addEventListener("htmx:before:history:update", ({ detail }) => {
  const here = location.pathname + location.search;
  if (detail.history.path === here) detail.history.type = "replace";
});

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  // What was done to the selection ends it; what was refused does not.
  if (ctx.sourceElement.matches?.("form[data-selects]") && ctx.response?.status < 400) select.clear();
  const sent = ctx.request?.method === "POST" && ctx.response?.status < 400 ? ctx.sourceElement.closest?.("form") : null;
  asked = { path: location.pathname, scroll: scrollY, focus: document.activeElement, target: ctx.target?.id, sent };
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id === "dialog-body") return openDialog(ctx);
  const went = asked && asked.path !== location.pathname;
  if (ctx.target?.id === "main") renew(went);
  settle();
  if (ctx.target?.id !== "main") return;
  if (dialog.open) dialog.close();
  if (palette?.open) palette.close();
  for (const menu of $$(".more[open], .menu[open]:not(.filter)")) {
    if (menu.contains(document.activeElement)) $("summary", menu).focus();
    menu.open = false;
  }
  if (went && !restoring) scrollTo(0, 0);
  if (went || ctx.response?.status >= 400) focusOn($("[aria-invalid]", main()) || $("[autofocus]", main()) || $("h1", main()));
  else if (asked?.focus !== document.body && !asked?.focus?.isConnected) refocus();
});

// A morph leaves in fields what was typed or chosen before. After a change, and on another page, the page's own holds.
function renew(went) {
  const { sent } = asked || {};
  for (const form of $$("form", main())) {
    const stands = sent && form.matches("[data-save]") && !form.contains(document.activeElement);
    if (went || form === sent || stands) form.reset();
  }
}

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  const form = ctx.sourceElement.closest?.("form");
  if (form) delete form.dataset.busy;
  for (const box of $$("[data-busy]")) delete box.dataset.busy;
  loading(-1);
});
document.addEventListener("htmx:before:request", () => loading(1));

document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  const { status } = ctx.response;
  if (status >= 500) say(`The server could not do that (${status}). Nothing on this page was lost; try again.`, { stays: true });
});
document.addEventListener("htmx:error", ({ detail }) => {
  if (detail.ctx) say("The server cannot be reached. What you typed is still here; try again.", { stays: true });
});

let restoring = false;
const places = new Map(); // how far down each page was, by its address
addEventListener("scroll", () => places.set(location.href, scrollY), { passive: true });
document.addEventListener("htmx:before:history:restore", () => { restoring = true; });
document.addEventListener("htmx:after:swap", () => {
  if (!restoring) return;
  restoring = false;
  scrollTo(0, places.get(location.href) || 0);
});

let waiting = 0, dim, bar;
function loading(change) {
  waiting = Math.max(0, waiting + change);
  clearTimeout(dim);
  clearTimeout(bar);
  if (!waiting) {
    main().classList.remove("is-loading");
    $("#progress").hidden = true;
    return;
  }
  dim = setTimeout(() => main().classList.add("is-loading"), 150);
  bar = setTimeout(() => { $("#progress").hidden = false; }, 300);
}

function focusOn(node) {
  if (!node) return;
  if (!node.matches("a, button, input, select, textarea, [tabindex]")) node.tabIndex = -1;
  node.focus({ preventScroll: true });
}

// What had the focus is gone: the row that took its place, else the heading.
function refocus() {
  const rows = $$("[data-row]");
  focusOn(rows[Math.min(lastRow, rows.length - 1)] || $("h1", main()));
}

// After each swap: what the server cannot know.
function settle() {
  select.show();
  toasts();
  backToList();
  remember();
}

// ---------------------------------------------------------------- dialogs

let opener = null;

function openDialog(ctx) {
  const title = $("h1", dialog);
  if (title) title.id = "dialog-title";
  if (!dialog.open) {
    opener = ctx?.sourceElement || document.activeElement;
    dialog.showModal();
  }
  focusOn($("[aria-invalid]", dialog) || $("[autofocus]", dialog) || $("input:not([type=hidden]), select, textarea", dialog) || title);
  for (const form of $$("form[method=post]", dialog)) {
    if (form.hasAttribute("hx-target")) continue;
    form.setAttribute("hx-target", "#dialog-body");
    form.setAttribute("hx-swap", "innerHTML");
    form.setAttribute("hx-push-url", "false");
  }
}

dialog.addEventListener("close", () => {
  $("#dialog-body").replaceChildren();
  if (shown(opener)) opener.focus();
});
for (const box of $$("dialog")) {
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  if (at("[data-cancel]") && dialog.open) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return dialog.close();
  }
  if (at("[data-close]")) at("[data-toast]").remove();
  if (at("[data-open]")) openHelp();
  if (at("[data-print]")) print();
  if (at("[data-palette]") && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    event.stopImmediatePropagation();
    openPalette();
  }
  for (const menu of $$("details.menu[open], details.more[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}, true);

// ---------------------------------------------------------------- messages

function say(words, { stays = false } = {}) {
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.dataset.toast = "";
  if (stays) toast.dataset.stays = "";
  const text = document.createElement("span");
  text.textContent = words;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "close";
  close.dataset.close = "";
  close.textContent = "Close";
  toast.append(text, close);
  $("#toasts").prepend(toast);
  toasts();
}

// Three at most; each for ten seconds, in which nobody points at it or is in it.
function toasts() {
  const all = $$("#toasts [data-toast]");
  for (const old of all.slice(3)) old.remove();
  for (const toast of all) {
    if (toast.timer || toast.hasAttribute("data-stays")) continue;
    const wait = () => { toast.timer = setTimeout(() => toast.remove(), 10_000); };
    for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(toast.timer));
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, wait);
    wait();
  }
}

// ---------------------------------------------------------------- saving in place

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-save]");
  // A year that is being typed is 0002 first.
  if (form && !(event.target.type === "date" && event.target.value.startsWith("0"))) form.requestSubmit();
  if (event.target.matches("[data-submits]") && event.target.value) event.target.form.requestSubmit();
});
document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  const form = target.closest?.("form");
  if (key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
    event.preventDefault();
    form.requestSubmit();
  }
  if (key === "Escape" && target.closest?.("form[data-save]") && "defaultValue" in target) {
    target.value = target.defaultValue;
    target.blur();
  }
});
const dirty = () => $$("#main :is(input, textarea)").some((field) =>
  field === document.activeElement && field.type !== "checkbox" && field.type !== "search" && field.value !== field.defaultValue);

// ---------------------------------------------------------------- selection

// Ids, by list, for as long as the tab is open: a sort or a filter moves rows away, and they stay selected.
const select = {
  get form() { return $("form[data-selects]"); },
  get key() { return `selected ${this.form?.dataset.selects}`; },
  ids() { return new Set(JSON.parse(sessionStorage.getItem(this.key) || "[]")); },
  keep(ids) { sessionStorage.setItem(this.key, JSON.stringify([...ids])); this.show(); },
  boxes() { return $$("input[name=record]", this.form || document.createElement("i")); },
  show() {
    if (!this.form) return;
    const ids = this.ids(), boxes = this.boxes(), bar = $("[data-bulk]", this.form);
    for (const box of boxes) box.checked = ids.has(box.value);
    const all = $("[data-select-all]", this.form);
    const ticked = boxes.filter((box) => box.checked).length;
    if (all) { all.checked = ticked > 0 && ticked === boxes.length; all.indeterminate = ticked > 0 && ticked < boxes.length; }
    if (!bar) return;
    const matching = $("[data-matching]", bar), more = $("[data-select-matching]", bar);
    if (!ids.size) matching.value = "";
    bar.classList.toggle("is-open", ids.size > 0);
    $("[data-selected]", bar).textContent = matching.value ? more.textContent.replace("Select all", "All") : `${ids.size} selected`;
    more.hidden = !!matching.value || !all?.checked || !$("[data-more]");
  },
  set(box, on) {
    const ids = this.ids();
    if (on) ids.add(box.value); else ids.delete(box.value);
    this.keep(ids);
  },
  clear() { if (this.form) this.keep([]); },
};

let lastTicked = null;
document.addEventListener("click", (event) => {
  if (event.target.matches("[data-deselect]")|| event.target.closest("[data-deselect]")) return select.clear();
  if (event.target.closest("[data-select-matching]")) {
    const matching = $("[data-matching]");
    matching.value = matching.dataset.matching;
    return select.show();
  }
  if (!event.target.matches("form[data-selects] input[name=record]")) return;
  const boxes = select.boxes(), box = event.target;
  const range = event.shiftKey && boxes.includes(lastTicked)
    ? boxes.slice(...[boxes.indexOf(lastTicked), boxes.indexOf(box)].sort((a, b) => a - b).map((n, i) => n + i)) : [box];
  const ids = select.ids();
  for (const one of range) if (box.checked) ids.add(one.value); else ids.delete(one.value);
  lastTicked = box;
  select.keep(ids);
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-select-all]")) return;
  const ids = select.ids();
  for (const box of select.boxes()) if (event.target.checked) ids.add(box.value); else ids.delete(box.value);
  select.keep(ids);
});
// What is selected and not on the page goes along.
document.addEventListener("formdata", ({ target, formData }) => {
  if (!target.matches("form[data-selects]")) return;
  formData.delete("record");
  if (!formData.get("matching")) for (const id of select.ids()) formData.append("record", id);
});
// A file is no page: the browser itself sends its form.
document.addEventListener("submit", (event) => {
  if (event.submitter?.matches("[data-plain]")) event.stopPropagation();
}, true);

// ---------------------------------------------------------------- the palette

let recent = [];
try { recent = JSON.parse(localStorage.getItem("recent") || "[]"); } catch { /* begin anew */ }

function remember() {
  const match = location.pathname.match(/^\/(organizations|contacts|projects|tasks|documents)\/\d+$/);
  if (!match || main().querySelector(".plain")) return;
  const one = { href: location.pathname, words: $("h1", main())?.textContent.trim(), note: match[1] };
  recent = [one, ...recent.filter((other) => other.href !== one.href)].slice(0, 8);
  localStorage.setItem("recent", JSON.stringify(recent));
}

function openPalette() {
  if (!palette || palette.open) return;
  opener = document.activeElement;
  palette.showModal();
  const field = $("#palette-field");
  field.value = "";
  field.focus();
  propose("");
}
palette?.addEventListener("close", () => shown(opener) && opener.focus());

const commands = () => registry().filter((one) => one.node).map((one) => ({ words: one.help, note: one.keys, node: one.node }));

function option({ words, note, href, node }, n) {
  const row = document.createElement("div");
  row.className = "option";
  row.id = `option-own-${n}`;
  row.role = "option";
  if (href) row.dataset.href = href;
  row.act = node && (() => press(node));
  const text = document.createElement("span"), side = document.createElement("span");
  text.textContent = words;
  side.className = "side-note";
  side.textContent = note || "";
  row.append(text, side);
  return row;
}

function list(title, options) {
  const head = document.createElement("div");
  head.className = "group";
  head.role = "presentation";
  head.textContent = title;
  return options.length ? [head, ...options.map(option)] : [];
}

let proposing, proposed;
async function propose(text) {
  proposing?.abort();
  const box = $("#results");
  if (!text.trim()) {
    box.replaceChildren(...list("Recent", recent), ...list("Commands", commands()));
  } else if (text.startsWith(">")) {
    const wanted = text.slice(1).trim().toLowerCase();
    box.replaceChildren(...list("Commands", commands().filter((one) => one.words.toLowerCase().includes(wanted))));
  } else {
    proposing = new AbortController();
    try {
      const answer = await fetch(`/search?q=${encodeURIComponent(text.trim())}`, {
        headers: { Accept: "text/html", "HX-Request": "true", "HX-Target": "div#results" }, signal: proposing.signal,
      });
      if (!answer.ok) return;
      box.setHTMLUnsafe(await answer.text());
    } catch { return; }
  }
  proposed = text;
  move(0);
}

function options() { return $$("[role=option]", palette); }
function move(to) {
  const all = options();
  const next = all[Math.max(0, Math.min(to, all.length - 1))];
  for (const one of all) one.setAttribute("aria-selected", String(one === next));
  next?.scrollIntoView({ block: "nearest" });
  $("#palette-field").setAttribute("aria-activedescendant", next?.id || "");
}
function choose(one) {
  if (!one) return;
  palette.close();
  if (one.act) one.act();
  else if (one.dataset.href) go(one.dataset.href);
}
function go(href) {
  htmx.ajax("GET", href, { target: "#main", swap: "outerMorph", push: "true" });
}

let typing;
palette?.addEventListener("input", ({ target }) => {
  clearTimeout(typing);
  typing = setTimeout(() => propose(target.value), 100);
});
palette?.addEventListener("keydown", async (event) => {
  const all = options(), now = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  const steps = { ArrowDown: now + 1, ArrowUp: now - 1, PageDown: now + 8, PageUp: now - 8 };
  if (event.key in steps) { event.preventDefault(); move(steps[event.key]); }
  if (event.key === "Escape") { event.preventDefault(); palette.close(); } // a search field would only be emptied
  if (event.key !== "Enter" || event.isComposing) return;
  event.preventDefault();
  if (event.target.value === proposed) return choose(all[now]);
  clearTimeout(typing); // Enter came before the answer to what is typed
  await propose(event.target.value);
  if (event.target.value === proposed) choose(options()[0]);
});
palette?.addEventListener("click", (event) => choose(event.target.closest("[role=option]")));

// ---------------------------------------------------------------- keys

// Every key clicks a control that says so (data-keys, data-help); those below move within the page.
const moves = [
  { keys: "j", help: "Next row", run: () => row(1), when: () => $("[data-row]") },
  { keys: "k", help: "Previous row", run: () => row(-1), when: () => $("[data-row]") },
  { keys: "x", help: "Select the row", run: () => tick(), when: () => $("form[data-selects] [data-row]") },
  { keys: "d", help: "Complete the row's task", run: () => inRow("[data-done]")?.click(), when: () => $("[data-done]") },
  { keys: "[", help: "Previous record of the list", run: () => neighbour(-1), when: () => neighbours() },
  { keys: "]", help: "Next record of the list", run: () => neighbour(1), when: () => neighbours() },
  { keys: "e", help: "Edit the first property", run: () => focusOn($(".properties :is(input, select):not([type=hidden])")), when: () => $(".properties form") },
  { keys: "s", help: "Set the status", run: () => setStatus(), when: () => $("#p-status") || $("[data-bulk] [name=status]") },
];

function registry() {
  const found = new Map();
  for (const node of $$("[data-keys]")) {
    if (node.closest("dialog") || !shown(node) && !node.closest("details, .toast")) continue;
    if (!found.has(node.dataset.keys)) found.set(node.dataset.keys, { keys: node.dataset.keys, help: node.dataset.help, node });
  }
  for (const one of moves) if (one.when()) found.set(one.keys, one);
  return [...found.values()];
}

function press(node) {
  if (node.matches("input, select, textarea")) { node.focus(); node.select?.(); } else node.click();
}

let lastRow = 0;
function row(step) {
  const rows = $$("[data-row]"), now = rows.indexOf(document.activeElement);
  lastRow = Math.max(0, Math.min(now < 0 ? (step > 0 ? 0 : rows.length - 1) : now + step, rows.length - 1));
  rows[lastRow]?.focus();
}
document.addEventListener("focusin", ({ target }) => {
  const now = $$("[data-row]").findIndex((one) => one === target || one.closest("tr, li")?.contains(target));
  if (now >= 0) lastRow = now;
});
const inRow = (selector) => document.activeElement?.closest?.("tr, li")?.querySelector(selector);
const box = () => inRow("input[name=record]");
function tick() { box()?.click(); }
function setStatus() {
  const field = shown($("[data-bulk] [name=status]")) ? $("[data-bulk] [name=status]") : $("#p-status");
  field?.focus();
  try { field?.showPicker(); } catch { /* the focus is enough */ }
}

let pending = "", since = 0;
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "k" && palette) {
    event.preventDefault();
    return openPalette();
  }
  if (event.isComposing || event.altKey || $("dialog[open]")) return;
  const inField = target.matches?.("input:not([type=checkbox]), select, textarea, [contenteditable]");
  if ((event.ctrlKey || event.metaKey) && key === "z" && !inField) {
    const undo = $("#toasts [data-keys=z]");
    if (undo) { event.preventDefault(); undo.click(); }
    return;
  }
  if (event.ctrlKey || event.metaKey || inField) return;
  if (["ArrowDown", "ArrowUp", "Home", "End"].includes(key) && document.activeElement?.matches("[data-row]")) {
    event.preventDefault();
    const all = $$("[data-row]").length;
    return row({ ArrowDown: 1, ArrowUp: -1, Home: -all, End: all }[key]);
  }
  if (key === "Escape") {
    const open = $("details.menu[open], details.more[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); } else select.clear();
    return;
  }
  if (document.body.dataset.shortcuts !== "on") return;
  // Shift and X: from the row that was ticked last to this one.
  if (key === "X" && box()) return box().dispatchEvent(new MouseEvent("click", { shiftKey: true, bubbles: true, cancelable: true }));
  const word = pending && Date.now() - since < 1000 ? `${pending} ${key}` : key;
  const all = registry();
  const found = all.find((one) => one.keys === word) || (key === "Delete" && all.find((one) => one.keys === "Backspace"));
  pending = all.some((one) => one.keys.startsWith(`${key} `)) ? key : "";
  since = Date.now();
  if (!found) return;
  event.preventDefault();
  pending = "";
  if (found.run) found.run(); else press(found.node);
});

function openHelp() {
  const rows = [{ keys: "Ctrl K", help: "Search and commands" }, ...registry()].flatMap(({ keys, help }) => {
    const term = document.createElement("dt"), key = document.createElement("kbd"), words = document.createElement("dd");
    key.textContent = keys;
    words.textContent = help;
    term.append(key);
    return [term, words];
  });
  $("#help-keys").replaceChildren(...rows);
  opener = document.activeElement;
  $("#help").showModal();
}
$("#help")?.addEventListener("close", () => shown(opener) && opener.focus());

// The list that a record was opened from: the way back to it, and its neighbours.
function backToList() {
  const rows = $$("table [data-row]").map((link) => link.getAttribute("href"));
  if (rows.length) sessionStorage.setItem(`list ${location.pathname}`, JSON.stringify({ address: location.pathname + location.search, rows }));
  const link = $("[data-back-to-list]"), list = link && read(`list ${new URL(link.href).pathname}`);
  if (list) link.setAttribute("href", list.address);
}
function read(name) { return JSON.parse(sessionStorage.getItem(name) || "null"); }
function neighbours() {
  const list = read(`list /${location.pathname.split("/")[1]}`);
  const at = list ? list.rows.indexOf(location.pathname) : -1;
  return at < 0 ? null : { rows: list.rows, at };
}
function neighbour(step) {
  const { rows, at } = neighbours();
  if (rows[at + step]) go(rows[at + step]);
}

// ---------------------------------------------------------------- what others change

// A page says what it shows (data-live-of: nouns, or one record). It is fetched anew in place, where that moves nothing
// that somebody is at; else a button offers it.
const own = (operations) => operations?.length && operations.every(({ id }) => $(`#toasts form[action="/operations/${id}/undo"]`));

function heard(news) {
  if ($("[data-busy]")) return setTimeout(heard, 300, news); // it may be one's own, told before its answer
  const { records = [], nouns = [], operations } = news;
  const shows = (main().dataset.liveOf || "").split(" ").filter(Boolean);
  const all = records === "*" || records.includes("*");
  if (!shows.some((one) => (one.includes("/") && !all ? records.includes(one) : nouns.includes(one.split("/")[0]))) || own(operations)) return;
  const taken = dirty() || dialog.open || palette?.open || $("details.menu[open]");
  if (taken) offer(); else refresh();
}

function refresh() {
  $("#news")?.remove();
  const url = new URL(location.href), rows = $$("table [data-row]").length;
  if (rows > 50) url.searchParams.set("limit", Math.min(rows, 1000));
  htmx.ajax("GET", url.pathname + url.search, { target: "#main", swap: "outerMorph", push: "false" });
}

function offer() {
  if ($("#news")) return;
  const button = document.createElement("button");
  button.id = "news";
  button.className = "button news";
  button.textContent = "Changed by others: show";
  button.addEventListener("click", refresh);
  document.body.append(button);
}

function listen() {
  const url = document.body.dataset.live;
  if (!url) return;
  const source = new EventSource(url);
  let failures = 0;
  source.addEventListener("changed", (event) => heard(JSON.parse(event.data)));
  source.addEventListener("open", () => { failures = 0; });
  // Where streams do not get through, it is asked every few seconds instead.
  source.addEventListener("error", () => {
    if (++failures < 4 && source.readyState !== EventSource.CLOSED) return;
    source.close();
    poll(url);
  });
}

async function poll(url, after) {
  try {
    const answer = await fetch(after ? `${url}?after=${encodeURIComponent(after)}` : url, { headers: { Accept: "application/json" } });
    if (answer.status === 401) return;
    const news = await answer.json();
    if (after) heard(news);
    after = news.mark ?? after;
  } catch { /* the next time */ }
  setTimeout(poll, 5000, url, after);
}

listen();
settle();
if ($("[autofocus]")) focusOn($("[autofocus]"));
