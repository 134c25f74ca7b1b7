// Dialogs and menus, which open over the page and give the focus back when they close.

import { $, $$, firstOf, focused, focusOn, isVisible, on } from "./dom.js";
import { fieldsOf, forgetDrafts, isChanged, restoreDrafts } from "./drafts.js";

const OPEN_MENU = "details.menu[open], details.more[open]";
const FIRST_FIELD = "input:not([type=hidden]), select, textarea";

const dialog = $("#dialog"); // the one that forms are shown in
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

let pressed = null; // where the mouse went down: text may be selected beyond the dialog's edge

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

// Closes the menu that is open, and says whether there was one.
export function closeMenu() {
  const menu = $(OPEN_MENU);
  if (!menu) return false;
  menu.open = false;
  $("summary", menu).focus();
  return true;
}

// After a new page: no dialog and no menu of the one before, but the filter that is being used.
export function closeOverlays() {
  for (const box of $$("#dialog[open], #palette[open]")) box.close();
  for (const menu of $$(".more[open], .menu[open]:not(.filter)")) {
    if (menu.contains(focused())) $("summary", menu).focus();
    menu.open = false;
  }
}
