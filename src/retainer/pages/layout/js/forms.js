// Fields that are saved when they change, and filters: arrow keys choose, Enter or leaving the
// field commits.

import { focused, hasCommandKey, on } from "./dom.js";
import { keepDraft, resetField } from "./drafts.js";

const STEPPED = "select, [type=date], [type=radio]"; // arrow keys change these at each step
const TEXT_FIELD = "#main :is(input:not([type=checkbox], [type=search]), textarea)";

let held = null; // the field that keys have changed, and nobody has committed
let key = ""; // pressed in a field last

const actsOnChange = (field) =>
  field.matches("[data-submits]") || field.closest("form[data-save], form.filters");

addEventListener("change", (event) => {
  const { target } = event;
  if (!event.isTrusted || !target.matches(STEPPED) || !actsOnChange(target)) return;
  // A list that was opened takes the keys itself.
  if (!/^(Arrow|Home|End|Page|Backspace|Delete|[^ ]$)/.test(key)) return;
  event.stopImmediatePropagation();
  held = target;
}, true);

addEventListener("pointerdown", () => {
  key = "";
}, true);

function commit() {
  const field = held;
  held = null;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

on("keydown", (event) => {
  const { target } = event;
  key = event.altKey ? "" : event.key;
  const form = target.form;
  if (!form) return;
  if (key === "Enter" && hasCommandKey(event)) {
    event.preventDefault();
    form.requestSubmit();
  } else if (key === "Enter" && target === held) {
    event.preventDefault();
    commit();
  } else if (key === "Escape" && (target === held || form.matches("[data-save]"))) {
    held = null;
    resetField(target);
    keepDraft(target);
    target.blur();
  }
}, true);

on("focusout", ({ target, relatedTarget }) => {
  if (target.type === "radio" && relatedTarget?.name === target.name) return; // a step
  key = "";
  if (target !== held) return;
  // Many records are not changed by leaving a field.
  if (!target.matches("[data-submits]")) return commit();
  held = null;
  resetField(target);
});

on("change", ({ target }) => {
  const submitsItself = target.matches("[data-submits]") && target.value;
  if (target.closest("form[data-save]") || submitsItself) target.form.requestSubmit();
});

// A filter that is left empty is no part of a list's URL.
on("htmx:config:request", ({ detail: { ctx } }) => {
  if (ctx.request.method !== "GET") return;
  for (const [name, value] of [...ctx.request.body]) {
    if (!value) ctx.request.body.delete(name);
  }
});

export function hasUnsavedText() {
  const field = focused();
  return field === held || (field?.matches(TEXT_FIELD) && field.value !== field.defaultValue);
}
