// Messages: a success for ten seconds, a problem until it is over or closed.

import { $, $$, element, on } from "./dom.js";
import { onRender } from "./navigation.js";

export const UNREACHABLE = "unreachable";

const MOST = 3;
const SECONDS = 10;

onRender(keepToastsShort);

// It stays while somebody points at it or is in it. Hidden, it can still be undone by Z.
function keepToastsShort() {
  const toasts = $$("#toasts [data-toast]");
  for (const old of toasts.slice(MOST)) old.remove();
  for (const toast of toasts) {
    if (!toast.timer && !toast.dataset.toast) hideLater(toast);
  }
}

function hideLater(toast) {
  const hide = () => (toast.hidden = true);
  const start = () => (toast.timer = setTimeout(hide, SECONDS * 1000));
  const stop = () => clearTimeout(toast.timer);
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, stop);
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, start);
  start();
}

// Each kind is told once. `remedy` is a button: its words, and what it runs.
export function showProblem(message, kind = "problem", remedy = null) {
  hideProblem(kind);
  const toast = element("div", { className: "toast" }, element("span", {}, message));
  toast.dataset.toast = kind;
  for (const { words, run } of [remedy, { words: "Close" }].filter(Boolean)) {
    const button = element("button", { type: "button", className: "close" }, words);
    button.onclick = () => {
      toast.remove();
      run?.();
    };
    toast.append(button);
  }
  $("#toasts").prepend(toast);
  keepToastsShort();
}

export function hideProblem(kind) {
  $(`#toasts [data-toast=${kind}]`)?.remove();
}

on("click", ({ target }) => {
  if (target.closest("[data-close]")) target.closest("[data-toast]").remove();
}, true);

on("htmx:response:error", ({ detail: { ctx } }) => {
  const { status } = ctx.response;
  if (status >= 500 && !ctx.sent) showProblem(`The server could not do that (${status}).`);
});

on("htmx:error", ({ detail: { ctx } }) => {
  if (ctx && !ctx.sent) showProblem("The server cannot be reached.", UNREACHABLE);
});
