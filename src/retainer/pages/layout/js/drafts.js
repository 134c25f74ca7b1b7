// What is typed into a form is kept, by page and field, until the server has taken it.

import { $, $$, element, main, on } from "./dom.js";
import { recall, remember } from "./storage.js";

const FORM = "form[method=post]:not([hx-boost=false], [data-selects])";
const FIELD =
  "input:not([type=hidden], [type=file], [autocomplete$=password], [data-shows]), select, textarea";

const isTick = (field) => /checkbox|radio/.test(field.type);
export const fieldsOf = (form) => [...form.elements].filter((field) => field.matches(FIELD));
export const valueOf = (field) => (isTick(field) ? field.checked : field.value);

function defaultOf(field) {
  if (isTick(field)) return field.defaultChecked;
  if (!field.options) return field.defaultValue;
  const chosen = [...field.options].find((option) => option.defaultSelected) || field.options[0];
  return chosen?.value;
}

export function setValue(field, value) {
  field[isTick(field) ? "checked" : "value"] = value;
}

export function resetField(field) {
  setValue(field, defaultOf(field));
}

// True where somebody has typed or chosen something that the server has not confirmed.
export const isChanged = (field) => valueOf(field) !== defaultOf(field);

export const draftKey = (field) =>
  ["draft", location.pathname, field.form.getAttribute("action"), field.name]
    .concat(isTick(field) ? field.value : [])
    .join(" ");

export function keepDraft(field) {
  remember(draftKey(field), isChanged(field) ? valueOf(field) : null);
}

export function forgetDrafts(form) {
  for (const field of fieldsOf(form)) remember(draftKey(field), null);
}

on("input", ({ target }) => {
  if (target.form?.matches(FORM) && target.matches(FIELD)) keepDraft(target);
});

// Puts drafts into fields that lack them. Properties with one were not saved.
export function restoreDrafts() {
  for (const form of $$(FORM)) {
    for (const field of fieldsOf(form)) {
      const draft = recall(draftKey(field));
      if (draft === null || draft === valueOf(field)) continue;
      setValue(field, draft);
      markUnsaved(form);
    }
    showUnsaved(form);
  }
}

const formsOfPage = () => $$(FORM, main());
let untouched = []; // fields that hold what the server has sent
let versions = []; // of the record, as forms with text in them showed it

export function beforeSwap(sent) {
  const fields = formsOfPage().flatMap(fieldsOf);
  untouched = fields.filter((field) => !isChanged(field));
  const touched = new Set(fields.filter(isChanged).map(({ form }) => form));
  touched.delete(sent?.form);
  versions = [...touched].map((form) => [form.elements.version, form.elements.version?.value]);
}

// A morph leaves in a field what it held before. The server's value holds in those that nobody has
// touched, and in all of another page.
export function afterSwap(isOtherPage) {
  if (isOtherPage) {
    for (const form of formsOfPage()) {
      form.reset();
      delete form.dataset.unsaved;
    }
  } else {
    for (const field of untouched) {
      if (field.form) resetField(field);
    }
    for (const [input, value] of versions) {
      if (input) input.value = value;
    }
  }
}

export function markUnsaved(form, how = "") {
  if (!form.matches("[data-save], .property form")) return;
  form.dataset.unsaved = how;
  showUnsaved(form);
}

export function showUnsaved(form) {
  const isUnsaved = "unsaved" in form.dataset && fieldsOf(form).some(isChanged);
  const note = $(".unsaved", form);
  if (!isUnsaved) {
    delete form.dataset.unsaved;
    note?.remove();
  } else if (!note) {
    form.append(element("p", { className: "error unsaved" }, "Not saved"));
  }
}
