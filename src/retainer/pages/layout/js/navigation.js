// From page to page: htmx replaces <main>; here focus, scrolling and progress follow.

import { closeOverlays, showFormDialog } from "./dialogs.js";
import { $, $$, currentUrl, firstOf, focused, focusOn, hasCommandKey, main, on } from "./dom.js";
import { afterSwap, beforeSwap, restoreDrafts } from "./drafts.js";
import { nearestRow, openFirstRow } from "./rows.js";
import { recall, remember } from "./storage.js";

const FIRST_ROWS = 50; // that a list shows before more are loaded
const MOST_ROWS = 1000; // that a list can be asked for

// Else a key pressed early would click a link that htmx does not know yet.
htmx.initialize();

const renderers = [];
let here = currentUrl(); // of the page shown
let before = null; // the state that the swap under way comes from
let isRestoring = false; // Back or Forward
let requests = 0;
let fetching = null; // the request under way for <main>

// Between Back and the page that it fetches, the URL is ahead of the page that is shown.
export const isShown = (path) => !isRestoring && path === location.pathname;

// Runs now and after each swap.
export function onRender(render) {
  renderers.push(render);
  render();
}

// `options` are htmx's; without `push` the URL stays.
export function go(href, options = { push: "true" }) {
  return htmx.ajax("GET", href, { target: "#main", swap: "outerMorph", ...options });
}

// A link with a modifier opens a tab or a window of itself.
addEventListener("click", (event) => {
  const isModified = hasCommandKey(event) || event.shiftKey;
  if (isModified && event.target.closest?.("a[href]")) event.stopPropagation();
}, true);

const rowCount = () => $$("table [data-row], [data-rows] > li:not(#more)").length;

function keepPlace() {
  const place = { y: scrollY, rows: rowCount() };
  remember(`place ${here}`, place.y || place.rows > FIRST_ROWS ? place : null);
}

const placeHere = () => recall(`place ${currentUrl()}`) || { y: 0, rows: 0 };

function withRows(path, rows) {
  const url = new URL(path, location);
  if (rows > FIRST_ROWS) url.searchParams.set("limit", Math.min(rows, MOST_ROWS));
  return url.pathname + url.search;
}

// Fetches the page anew, with as many rows.
export function refresh() {
  return go(withRows(currentUrl(), rowCount()), { isRefresh: true });
}

addEventListener("pagehide", keepPlace);

on("htmx:before:history:update", ({ detail }) => {
  if (detail.history.path === currentUrl()) detail.history.type = "replace";
});

on("htmx:before:history:restore", () => {
  keepPlace();
  isRestoring = true;
});

on("htmx:config:request", ({ detail: { ctx } }) => {
  if (!ctx.request.headers["HX-History-Restore-Request"]) return;
  ctx.request.action = withRows(ctx.request.action, placeHere().rows);
});

on("htmx:before:swap", ({ detail: { ctx } }) => {
  before = { path: location.pathname, focus: focused(), undo: $("#toasts form") };
  if (!isRestoring) keepPlace();
  if (ctx.target !== main()) return;
  beforeSwap(ctx.sent);
  // It was asked for before the form was sent.
  if (ctx.sent && fetching?.isRefresh) fetching.request.abort();
});

on("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.isUnseen || ctx.swap === "none") return render();
  const restored = isRestoring;
  isRestoring = false;
  const target = ctx.target?.id;
  if (target === "main") {
    showPage(ctx, restored);
  } else if (target === "dialog-body") {
    showFormDialog(ctx.sent?.form || ctx.sourceElement);
  } else {
    render();
    keepFocus();
  }
  if (restored) scrollTo(0, placeHere().y);
});

function showPage(ctx, restored) {
  const isOtherPage = before.path !== location.pathname;
  here = currentUrl();
  afterSwap(isOtherPage || restored);
  render();
  if (!ctx.isRefresh) closeOverlays(!isOtherPage && ctx.sent);
  const { form, action } = ctx.sent || {};
  const undo = /^\/(un|re)do$/.test(action) ? before.undo : form;
  undo?.closest(".toast")?.remove(); // its Undo is done
  if (isOtherPage && !restored) scrollTo(0, 0);
  if (isOtherPage || ctx.response?.status >= 400) {
    focusOn(firstOf(main(), "[aria-invalid]", "[autofocus]", "h1"));
  } else if (before.focus !== document.body) {
    keepFocus();
  }
}

function render() {
  for (const each of renderers) each();
}

// Where it is gone, the row in its place gets the focus, else the heading.
function keepFocus() {
  if (before.focus?.isConnected) return;
  focusOn(nearestRow() || $("h1", main()));
}

on("htmx:before:request", ({ detail: { ctx } }) => {
  showProgress(1);
  if (ctx.request.method !== "GET" || ctx.target !== main()) return;
  fetching?.request.abort(); // the last click counts
  fetching = ctx;
});

on("htmx:finally:request", ({ detail: { ctx } }) => {
  showProgress(-1);
  if (fetching === ctx) fetching = null;
});

function showProgress(change) {
  requests = Math.max(0, requests + change);
  main().classList.toggle("is-loading", requests > 0);
  $("#progress").hidden = requests === 0;
}

export const isBusy = () => requests > 0 || document.body.hasAttribute("data-busy");

onRender(restoreDrafts);
onRender(openFirstRow);
