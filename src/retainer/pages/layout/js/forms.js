// Forms: sent once, saved in place, and reset once the server has taken what was typed.

import { $$, focused, hasCommandKey, main, on } from "./dom.js";

const TEXT_FIELD = "#main :is(input:not([type=checkbox], [type=search]), textarea)";

on("htmx:config:request", ({ detail: { ctx } }) => {
  const { request } = ctx;
  const form = ctx.sourceElement.closest?.("form");
  if (request.method === "POST" && form) {
    // A second press while the first is in flight would send the form twice.
    if (form.dataset.busy) return request.abort();
    form.dataset.busy = "on";
  }
  if (request.method === "GET") dropEmptyFields(request.body);
});

on("htmx:finally:request", () => {
  for (const form of $$("[data-busy]")) delete form.dataset.busy;
});

// A filter that is left empty is no part of a list's URL.
function dropEmptyFields(body) {
  for (const [name, value] of [...body]) {
    if (!value) body.delete(name);
  }
}

on("change", ({ target }) => {
  // While a year is typed, a date field passes through years such as 0002.
  const isPartialDate = target.type === "date" && target.value.startsWith("0");
  const savesInPlace = target.closest("form[data-save]") && !isPartialDate;
  const submitsItself = target.matches("[data-submits]") && target.value;
  if (savesInPlace || submitsItself) target.form.requestSubmit();
});

on("keydown", (event) => {
  const { target, key } = event;
  const form = target.closest?.("form");
  if (!form) return;
  if (key === "Enter" && hasCommandKey(event)) {
    event.preventDefault();
    form.requestSubmit();
  }
  if (key === "Escape" && form.matches("[data-save]") && "defaultValue" in target) {
    target.value = target.defaultValue;
    target.blur();
  }
});

// The browser itself sends a form whose answer is a file to keep, not a page.
on("submit", (event) => {
  if (event.submitter?.matches("[data-plain]")) event.stopPropagation();
}, true);

// A morph leaves in fields what was typed before. On another page, and in the form that was sent,
// the server's value holds; so it does in the forms beside it that nobody is typing in.
export function resetForms({ isOtherPage, sent }) {
  for (const form of $$("form", main())) {
    const isBeside = sent && form.matches("[data-save]") && !form.contains(focused());
    if (isOtherPage || form === sent || isBeside) form.reset();
  }
}

export function hasUnsavedText() {
  const field = focused();
  return field?.matches(TEXT_FIELD) && field.value !== field.defaultValue;
}
