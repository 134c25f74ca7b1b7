// Messages at the bottom right: a success for ten seconds, a failure until it is closed.

import { $, $$, element, on } from "./dom.js";
import { onRender } from "./navigation.js";

const MOST = 3;
const SECONDS = 10;

onRender(keepToastsShort);

// A message stays while somebody points at it or is in it. Hidden, it can still be undone by Z.
function keepToastsShort() {
  const toasts = $$("#toasts [data-toast]");
  for (const old of toasts.slice(MOST)) old.remove();
  for (const toast of toasts) {
    if (!toast.timer && !("stays" in toast.dataset)) hideLater(toast);
  }
}

function hideLater(toast) {
  const hide = () => {
    toast.hidden = true;
  };
  const start = () => {
    toast.timer = setTimeout(hide, SECONDS * 1000);
  };
  const stop = () => clearTimeout(toast.timer);
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, stop);
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
  start();
}

function showError(message) {
  const close = element("button", { type: "button", className: "close" }, "Close");
  const toast = element("div", { className: "toast" }, element("span", {}, message), close);
  close.dataset.close = "";
  toast.dataset.toast = "";
  toast.dataset.stays = "";
  $("#toasts").prepend(toast);
  keepToastsShort();
}

on("click", ({ target }) => {
  if (target.closest("[data-close]")) target.closest("[data-toast]").remove();
}, true);

on("htmx:response:error", ({ detail: { ctx } }) => {
  const { status } = ctx.response;
  if (status < 500) return;
  showError(
    `The server could not do that (${status}). Nothing on this page was lost; try again.`,
  );
});

on("htmx:error", ({ detail }) => {
  if (!detail.ctx) return;
  showError("The server cannot be reached. What you typed is still here; try again.");
});
