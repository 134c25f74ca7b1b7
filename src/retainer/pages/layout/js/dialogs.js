// Dialogs and menus, which open over the page and give the focus back when they close.

import { $, $$, firstOf, focused, focusOn, isVisible, on } from "./dom.js";
import { fieldsOf, forgetDrafts, isChanged, restoreDrafts } from "./drafts.js";

const OPEN_MENU = ".menu[open], .more[open]";
const FIRST_FIELD = "input:not([type=hidden]), select, textarea";

const dialog = $("#dialog"); // that shows forms
let opener = null;

// Opens a dialog. When it closes, `from` gets the focus, else what has it now.
export function openModal(box, from) {
  opener = from || focused();
  const menu = opener.closest(OPEN_MENU);
  if (menu) opener = $("summary", menu);
  closeMenus();
  box.showModal();
}

// Shows the form that htmx has put into #dialog-body.
export function showFormDialog(from) {
  const title = $("h1", dialog);
  if (title) title.id = "dialog-title";
  if (!dialog.open) openModal(dialog, from);
  restoreDrafts();
  focusOn(firstOf(dialog, "[aria-invalid]", "[autofocus]", FIRST_FIELD, "h1"));
}

// Closes a dialog; where somebody has typed in it, asks first.
function close(box) {
  const forms = $$("form", box);
  // A refused form has what was typed as its values.
  if ($("[aria-invalid]", box) || forms.flatMap(fieldsOf).some(isChanged)) {
    if (!confirm("Close this and lose what you typed?")) return;
    forms.forEach(forgetDrafts);
  }
  box.close();
}

let pressed = null; // where the mouse went down: a selection may end outside

on("pointerdown", ({ target }) => {
  pressed = target;
}, true);

for (const box of $$("dialog")) {
  box.addEventListener("click", ({ target }) => {
    if (target === box && pressed === box) close(box); // the backdrop
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
    event.preventDefault();
    close(box);
  });
  box.addEventListener("close", () => {
    if (box === dialog) emptyFormDialog();
    if (isVisible(opener)) opener.focus();
  });
}

function emptyFormDialog() {
  const body = $("#dialog-body");
  htmx.process(body, true); // else a delayed trigger of a field would still send its request
  body.replaceChildren();
}

on("click", (event) => {
  const { target } = event;
  if (target.closest("[data-cancel]") && dialog.open) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return close(dialog);
  }
  closeMenus(target);
}, true);

function closeMenus(but) {
  for (const menu of $$(OPEN_MENU)) {
    if (!menu.contains(but)) menu.open = false;
  }
}

// Closes the open menu, and says whether there was one.
export function closeMenu() {
  const menu = $(OPEN_MENU);
  if (!menu) return false;
  menu.open = false;
  $("summary", menu).focus();
  return true;
}

// After a new page all but a filter in use; after a form of the same page what holds the form.
export function closeOverlays(sent) {
  for (const box of $$("#dialog[open], #palette[open], .more[open], .menu[open]:not(.filter)")) {
    if (sent && !box.contains(sent.form)) continue;
    box.close?.();
    if (box.contains(focused())) $("summary", box)?.focus();
    box.open = false;
  }
}
