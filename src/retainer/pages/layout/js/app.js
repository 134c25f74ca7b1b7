// What pages do beyond links and forms: keys, selection, dialogs, the palette, messages, saving in place, live changes.
// Everything it adds clicks a real control or sends a real form; without it every page still reads and writes.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const main = () => $("#main");
const focused = () => document.activeElement;
const here = () => location.pathname + location.search;
const dialog = $("#dialog");
const palette = $("#palette");
const first = (root, ...selectors) => selectors.map((selector) => $(selector, root)).find(Boolean);
const shown = (node) => node?.isConnected && node.getClientRects().length > 0;
const on = (name, act, options) => document.addEventListener(name, act, options);
const withCommand = (event) => event.ctrlKey || event.metaKey;
const made = (tag, properties, ...inside) => {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...inside);
  return node;
};

// ---- going from page to page

htmx.initialize(); // before keys
let asked = null; // what the swap came from

on("htmx:config:request", ({ detail: { ctx } }) => {
  const form = ctx.sourceElement.closest?.("form");
  // A second press would do it twice.
  if (ctx.request.method === "POST" && form) {
    if (form.dataset.busy) return ctx.request.abort();
    form.dataset.busy = "on";
  }
  // The boxes left empty are no part of a list's address.
  if (ctx.request.method === "GET") {
    for (const [name, value] of [...ctx.request.body]) if (!value) ctx.request.body.delete(name);
  }
});

on("htmx:before:history:update", ({ detail }) => {
  if (detail.history.path === here()) detail.history.type = "replace";
});

on("htmx:before:swap", ({ detail: { ctx } }) => {
  // What was done to the selection ends it; what was refused does not.
  if (ctx.sourceElement.matches?.("form[data-selects]") && ctx.response?.status < 400) select.clear();
  const sent = ctx.request?.method === "POST" && ctx.response?.status < 400 ? ctx.sourceElement.closest?.("form") : null;
  asked = { path: location.pathname, focus: focused(), sent };
});

on("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id === "dialog-body") return openDialog(ctx);
  const went = asked && asked.path !== location.pathname;
  if (ctx.target?.id === "main") renew(went);
  settle();
  if (ctx.target?.id !== "main") return asked?.focus?.isConnected || refocus(); // "Load more" is gone
  if (dialog.open) dialog.close();
  if (palette?.open) palette.close();
  for (const menu of $$(".more[open], .menu[open]:not(.filter)")) {
    if (menu.contains(focused())) $("summary", menu).focus();
    menu.open = false;
  }
  asked?.sent?.closest(".toast")?.remove(); // not to be undone twice
  if (went && !restoring) scrollTo(0, 0);
  if (went || ctx.response?.status >= 400) focusOn(first(main(), "[aria-invalid]", "[autofocus]", "h1"));
  else if (asked?.focus !== document.body && !asked?.focus?.isConnected) refocus();
});

// A morph leaves in fields what was typed or chosen before. After a change, and on another page, the page's own holds.
function renew(went) {
  const { sent } = asked || {};
  for (const form of $$("form", main())) {
    const stands = sent && form.matches("[data-save]") && !form.contains(focused());
    if (went || form === sent || stands) form.reset();
  }
}

on("htmx:finally:request", () => {
  for (const box of $$("[data-busy]")) delete box.dataset.busy;
  loading(-1);
});
on("htmx:before:request", () => loading(1));

on("htmx:response:error", ({ detail: { ctx } }) => {
  const { status } = ctx.response;
  if (status >= 500) say(`The server could not do that (${status}). Nothing on this page was lost; try again.`);
});
on("htmx:error", ({ detail }) => {
  if (detail.ctx) say("The server cannot be reached. What you typed is still here; try again.");
});

let restoring = false;
const places = new Map(); // how far down each page was, by its address
addEventListener("scroll", () => places.set(location.href, scrollY));
on("htmx:before:history:restore", () => { restoring = true; });
on("htmx:after:swap", () => {
  if (!restoring) return;
  restoring = false;
  scrollTo(0, places.get(location.href) || 0);
});

let waiting = 0;
function loading(change) { // styles say after how long it is to be seen
  waiting = Math.max(0, waiting + change);
  main().classList.toggle("is-loading", waiting > 0);
  $("#progress").hidden = !waiting;
}

const focusOn = (node) => node?.focus({ preventScroll: true });

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

// ---- dialogs

const MENUS = "details.menu[open], details.more[open]";
let opener = null;

function openDialog(ctx) {
  const title = $("h1", dialog);
  if (title) title.id = "dialog-title";
  if (!dialog.open) {
    opener = ctx?.sourceElement || focused();
    dialog.showModal();
  }
  focusOn(first(dialog, "[aria-invalid]", "[autofocus]", "input:not([type=hidden]), select, textarea", "h1"));
  for (const form of $$("form[method=post]:not([hx-target])", dialog)) {
    form.setAttribute("hx-target", "#dialog-body");
    form.setAttribute("hx-swap", "innerHTML");
    form.setAttribute("hx-push-url", "false");
  }
}

for (const box of $$("dialog")) {
  box.addEventListener("click", ({ target }) => target === box && box.close());
  box.addEventListener("close", () => {
    const body = box === dialog && $("#dialog-body");
    if (body) htmx.process(body, true), body.replaceChildren(); // what waits for more typing waits no more
    if (shown(opener)) opener.focus();
  });
}

on("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  const instead = (act) => { event.preventDefault(); event.stopImmediatePropagation(); act(); };
  if (at("[data-cancel]") && dialog.open) return instead(() => dialog.close());
  if (at("[data-close]")) at("[data-toast]").remove();
  if (at("[data-open]")) openHelp();
  if (at("[data-print]")) print();
  if (at("[data-palette]") && !withCommand(event)) instead(openPalette);
  for (const menu of $$(MENUS)) if (!menu.contains(event.target)) menu.open = false;
}, true);

// ---- messages

function say(words) { // what went wrong: it stays
  const toast = made("div", { className: "toast" }, made("span", {}, words),
    made("button", { type: "button", className: "close", textContent: "Close" }));
  toast.dataset.toast = toast.dataset.stays = toast.lastChild.dataset.close = "";
  $("#toasts").prepend(toast);
  toasts();
}

// Three at most; each for ten seconds, in which nobody points at it or is in it. Z still undoes it then.
function toasts() {
  const all = $$("#toasts [data-toast]");
  for (const old of all.slice(3)) old.remove();
  for (const toast of all) {
    if (toast.timer || "stays" in toast.dataset) continue;
    const wait = () => { toast.timer = setTimeout(() => { toast.hidden = true; }, 10_000); };
    for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(toast.timer));
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, wait);
    wait();
  }
}

// ---- saving in place

on("change", ({ target }) => {
  const isTyped = target.type === "date" && target.value.startsWith("0"); // a year is 0002 first
  if (target.closest("form[data-save]") && !isTyped || target.matches("[data-submits]") && target.value) target.form.requestSubmit();
});
on("keydown", (event) => {
  const { target, key } = event, form = target.closest?.("form");
  if (key === "Enter" && withCommand(event) && form) {
    event.preventDefault();
    form.requestSubmit();
  }
  if (key === "Escape" && form?.matches("[data-save]") && "defaultValue" in target) {
    target.value = target.defaultValue;
    target.blur();
  }
});
function dirty() {
  const field = focused();
  return field?.matches("#main :is(input:not([type=checkbox], [type=search]), textarea)") && field.value !== field.defaultValue;
}

// ---- selection

// Ids, by list, for as long as the tab is open: a sort or a filter moves rows away, and they stay selected.
const select = {
  get form() { return $("form[data-selects]"); },
  get key() { return `selected ${this.form?.dataset.selects}`; },
  ids() { return new Set(read(sessionStorage, this.key)); },
  keep(ids) { sessionStorage.setItem(this.key, JSON.stringify([...ids])); this.show(); },
  boxes() { return this.form ? $$("input[name=record]", this.form) : []; },
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
  set(boxes, isOn) {
    const ids = this.ids();
    for (const box of boxes) if (isOn) ids.add(box.value); else ids.delete(box.value);
    this.keep(ids);
  },
  clear() { if (this.form) this.keep([]); },
};

let lastTicked = null;
on("click", ({ target, shiftKey }) => {
  if (target.closest("[data-deselect]")) return select.clear();
  if (target.closest("[data-select-matching]")) {
    const matching = $("[data-matching]");
    matching.value = matching.dataset.matching;
    return select.show();
  }
  const boxes = select.boxes(), from = boxes.indexOf(lastTicked), to = boxes.indexOf(target);
  if (to < 0) return;
  select.set(shiftKey && from >= 0 ? boxes.slice(Math.min(from, to), Math.max(from, to) + 1) : [target], target.checked);
  lastTicked = target;
});
on("change", ({ target }) => {
  if (target.matches("[data-select-all]")) select.set(select.boxes(), target.checked);
});
// What is selected and not on the page goes along.
on("formdata", ({ target, formData }) => {
  if (!target.matches("form[data-selects]")) return;
  formData.delete("record");
  if (!formData.get("matching")) for (const id of select.ids()) formData.append("record", id);
});
// A file is no page: the browser itself sends its form.
on("submit", (event) => {
  if (event.submitter?.matches("[data-plain]")) event.stopPropagation();
}, true);

// ---- the palette

let recent = read(localStorage, "recent") || [];

function remember() {
  const match = location.pathname.match(/^\/(organizations|contacts|projects|tasks|documents)\/\d+$/);
  if (!match || main().querySelector(".plain")) return;
  const one = { href: location.pathname, words: $("h1", main())?.textContent.trim(), note: match[1] };
  recent = [one, ...recent.filter((other) => other.href !== one.href)].slice(0, 8);
  localStorage.setItem("recent", JSON.stringify(recent));
}

function openPalette() {
  if (!palette || palette.open) return;
  opener = focused();
  palette.showModal();
  const field = $("#palette-field");
  field.value = "";
  field.focus();
  propose("");
}

const commands = () => registry().filter((one) => one.node).map((one) => ({ words: one.help, note: one.keys, node: one.node }));

function option({ words, note, href, node }, n) {
  const row = made("div", { className: "option", id: `option-own-${n}`, role: "option" },
    made("span", {}, words), made("span", { className: "side-note" }, note || ""));
  if (href) row.dataset.href = href;
  row.act = node && (() => press(node));
  return row;
}

function list(title, options) {
  return options.length ? [made("div", { className: "group", role: "presentation" }, title), ...options.map(option)] : [];
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
  for (const one of all) one.setAttribute("aria-selected", one === next);
  next?.scrollIntoView({ block: "nearest" });
  $("#palette-field").setAttribute("aria-activedescendant", next?.id || "");
}
function choose(one) {
  if (!one) return;
  palette.close();
  if (one.act) one.act();
  else if (one.dataset.href) go(one.dataset.href);
}
function go(href, more = { push: "true" }, method = "GET") {
  return htmx.ajax(method, href, { target: "#main", swap: "outerMorph", ...more });
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
palette?.addEventListener("click", ({ target }) => choose(target.closest("[role=option]")));

// ---- keys

// Every key clicks a control that says so (data-keys, data-help); those below move within the page.
const moves = [
  { keys: "j", help: "Next row", run: () => row(1), when: () => $("[data-row]") },
  { keys: "k", help: "Previous row", run: () => row(-1), when: () => $("[data-row]") },
  { keys: "x", help: "Select the row", run: () => box()?.click(), when: () => $("form[data-selects] [data-row]") },
  { keys: "d", help: "Complete the row's task", run: () => inRow("[data-done]")?.click(), when: () => $("[data-done]") },
  { keys: "Backspace", help: "Delete the row", run: () => go(`${focused().pathname}/delete`, { values: { back: here() } }, "POST"), when: () => focused().matches("[data-deletes]") },
  { keys: "[", help: "Previous record of the list", run: () => go(neighbour(-1)), when: () => neighbour(-1) },
  { keys: "]", help: "Next record of the list", run: () => go(neighbour(1)), when: () => neighbour(1) },
  { keys: "e", help: "Edit the first property", run: () => focusOn($(".properties :is(input, select):not([type=hidden])")), when: () => $(".properties form") },
  { keys: "s", help: "Set the status", run: () => openChoice(statusField()), when: () => statusField() },
];

function registry() {
  const found = new Map();
  for (const node of $$("[data-keys]")) {
    const { keys, help } = node.dataset;
    if (node.closest("dialog") || !shown(node) && !node.closest("details, .toast") || found.has(keys)) continue;
    found.set(keys, { keys, help, node });
  }
  for (const one of moves) if (one.when()) found.set(one.keys, one);
  return [...found.values()];
}

function press(node) {
  if (node.matches("input, select, textarea")) { node.focus(); node.select?.(); } else node.click();
}

let lastRow = 0;
function row(step) {
  const rows = $$("[data-row]"), now = rows.indexOf(focused());
  lastRow = Math.max(0, Math.min(now < 0 ? (step > 0 ? 0 : rows.length - 1) : now + step, rows.length - 1));
  rows[lastRow]?.focus();
}
on("focusin", ({ target }) => {
  const now = $$("[data-row]").findIndex((one) => one === target || one.closest("tr, li")?.contains(target));
  if (now >= 0) lastRow = now;
});
const inRow = (selector) => focused().closest("tr, li")?.querySelector(selector);
const box = () => inRow("input[name=record]");
const statusField = () => $$("[data-bulk] [name=status], #p-status").find(shown);
function openChoice(field) {
  field.focus();
  try { field.showPicker(); } catch { /* the focus is enough */ }
}

let pending = "", since = 0;
on("keydown", (event) => {
  const { key, target } = event, commanded = withCommand(event);
  if (commanded && key.toLowerCase() === "k" && palette) {
    event.preventDefault();
    return openPalette();
  }
  if (event.isComposing || event.altKey || $("dialog[open]")) return;
  const inField = target.matches?.("input:not([type=checkbox]), select, textarea, [contenteditable]");
  if (commanded && key === "z" && !inField) {
    const undo = $("#toasts [data-keys=z]");
    if (undo) { event.preventDefault(); undo.click(); }
    return;
  }
  if (commanded || inField) return;
  const all = $$("[data-row]").length, step = { ArrowDown: 1, ArrowUp: -1, Home: -all, End: all }[key];
  if (step && focused().matches("[data-row]")) {
    event.preventDefault();
    return row(step);
  }
  if (key === "Escape") {
    const menu = $(MENUS);
    if (!menu) return select.clear();
    menu.open = false;
    return $("summary", menu).focus();
  }
  if (document.body.dataset.shortcuts !== "on") return;
  // Shift and X: from the row that was ticked last to this one.
  if (key === "X" && box()) return box().dispatchEvent(new MouseEvent("click", { shiftKey: true, bubbles: true }));
  const word = pending && Date.now() - since < 1000 ? `${pending} ${key}` : key;
  const known = registry(), by = (keys) => known.find((one) => one.keys === keys);
  const found = by(word) || key === "Delete" && by("Backspace");
  pending = known.some((one) => one.keys.startsWith(`${key} `)) ? key : "";
  since = Date.now();
  if (!found) return;
  event.preventDefault();
  pending = "";
  if (found.run) found.run(); else press(found.node);
});

function openHelp() {
  const rows = [{ keys: "Ctrl K", help: "Search and commands" }, ...registry()].flatMap(({ keys, help }) =>
    [made("dt", {}, made("kbd", {}, keys)), made("dd", {}, help)]);
  $("#help-keys").replaceChildren(...rows);
  opener = focused();
  $("#help").showModal();
}

// The list that a record was opened from: the way back to it, and its neighbours.
function backToList() {
  const rows = $$("table [data-row]").map((link) => link.getAttribute("href"));
  if (rows.length) sessionStorage.setItem(`list ${location.pathname}`, JSON.stringify({ address: here(), rows }));
  const link = $("[data-back-to-list]"), list = link && read(sessionStorage, `list ${link.pathname}`);
  if (list) link.href = list.address;
}
function read(storage, name) {
  try { return JSON.parse(storage.getItem(name)); } catch { return null; }
}
function neighbour(step) {
  const rows = read(sessionStorage, `list /${location.pathname.split("/")[1]}`)?.rows || [], at = rows.indexOf(location.pathname);
  return at < 0 ? null : rows[at + step];
}

// ---- what others change

// A page says what it shows (data-live-of: nouns, or one record). It is fetched anew in place, where that moves nothing
// that somebody is at; else a button offers it.
const own = (operations) => operations?.length && operations.every(({ id }) => $(`#toasts form[action="/operations/${id}/undo"]`));

function heard(news) {
  if ($("[data-busy]")) return setTimeout(heard, 300, news); // it may be one's own, told before its answer
  const { records = [], nouns = [], operations } = news, all = records.includes("*");
  const concerns = (one) => (one.includes("/") && !all ? records.includes(one) : nouns.includes(one.split("/")[0]));
  if (!main().dataset.liveOf?.split(" ").some(concerns) || own(operations)) return;
  if (dirty() || $("dialog[open], details.menu[open]")) offer(); else refresh();
}

function refresh() {
  $("#news")?.remove();
  const url = new URL(location.href), rows = $$("table [data-row]").length;
  if (rows > 50) url.searchParams.set("limit", Math.min(rows, 1000));
  go(url.pathname + url.search, {});
}

function offer() {
  if ($("#news")) return;
  document.body.append(made("button", { id: "news", className: "button news", textContent: "Changed by others: show", onclick: refresh }));
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
focusOn($("[autofocus]"));
