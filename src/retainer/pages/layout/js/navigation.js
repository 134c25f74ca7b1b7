// Going from page to page: htmx replaces <main>; here focus, scrolling and progress follow.

import { closeOverlays, showFormDialog } from "./dialogs.js";
import { $, currentUrl, firstOf, focused, focusOn, main, on } from "./dom.js";
import { resetForms } from "./forms.js";
import { nearestRow } from "./rows.js";

// At once, or a key pressed early would click a link that htmx does not know yet.
htmx.initialize();

const renderers = [];
const scrollPositions = new Map(); // by URL
let before = null; // the state that the swap under way comes from
let isRestoring = false; // Back or Forward
let requests = 0;

// Runs `render` now and after each swap: for what the server cannot know.
export function onRender(render) {
  renderers.push(render);
  render();
}

// Fetches a page into <main>. `options` are htmx's; without `push` the URL stays.
export function go(href, options = { push: "true" }, method = "GET") {
  return htmx.ajax(method, href, { target: "#main", swap: "outerMorph", ...options });
}

on("htmx:before:history:update", ({ detail }) => {
  if (detail.history.path === currentUrl()) detail.history.type = "replace";
});

on("htmx:before:history:restore", () => {
  isRestoring = true;
});

on("htmx:before:swap", ({ detail: { ctx } }) => {
  const isDone = ctx.request?.method === "POST" && ctx.response?.status < 400;
  before = {
    path: location.pathname,
    focus: focused(),
    sent: isDone ? ctx.sourceElement.closest?.("form") : null,
  };
});

on("htmx:after:swap", ({ detail: { ctx } }) => {
  const restored = isRestoring;
  isRestoring = false;
  const target = ctx.target?.id;
  if (target === "dialog-body") showFormDialog(ctx.sourceElement);
  else if (target === "main") showPage(ctx, restored);
  else showPart();
  if (restored) scrollTo(0, scrollPositions.get(location.href) || 0);
});

function showPage(ctx, restored) {
  const isOtherPage = before && before.path !== location.pathname;
  resetForms({ isOtherPage, sent: before?.sent });
  render();
  closeOverlays();
  before?.sent?.closest(".toast")?.remove(); // its Undo is done
  if (isOtherPage && !restored) scrollTo(0, 0);
  if (isOtherPage || ctx.response?.status >= 400) {
    focusOn(firstOf(main(), "[aria-invalid]", "[autofocus]", "h1"));
  } else if (before?.focus !== document.body) {
    keepFocus();
  }
}

function showPart() {
  render();
  keepFocus();
}

function render() {
  for (const each of renderers) each();
}

// The element with the focus may be gone: then the row in its place gets it, else the heading.
function keepFocus() {
  if (before?.focus?.isConnected) return;
  focusOn(nearestRow() || $("h1", main()));
}

addEventListener("scroll", () => scrollPositions.set(location.href, scrollY));

on("htmx:before:request", () => showProgress(1));
on("htmx:finally:request", () => showProgress(-1));

// Marks the page while a request is in flight; styles decide after how long that is shown.
function showProgress(change) {
  requests = Math.max(0, requests + change);
  main().classList.toggle("is-loading", requests > 0);
  $("#progress").hidden = requests === 0;
}
