// Dialogs and menus, which open over the page and give the focus back when they close.

import { $, $$, firstOf, focused, focusOn, isVisible, on } from "./dom.js";

const OPEN_MENU = "details.menu[open], details.more[open]";
const FIRST_FIELD = "input:not([type=hidden]), select, textarea";

const dialog = $("#dialog"); // the one that forms are shown in
let opener = null;

// Opens a dialog. When it closes, `from` gets the focus, else what has it now.
export function openModal(box, from) {
  opener = from || focused();
  box.showModal();
}

// Shows the form that htmx has put into #dialog-body.
export function showFormDialog(from) {
  const title = $("h1", dialog);
  if (title) title.id = "dialog-title";
  if (!dialog.open) openModal(dialog, from);
  focusOn(firstOf(dialog, "[aria-invalid]", "[autofocus]", FIRST_FIELD, "h1"));
  // Its answer stays in the dialog: the form again with its errors, or the way to the next page.
  for (const form of $$("form[method=post]:not([hx-target])", dialog)) {
    form.setAttribute("hx-target", "#dialog-body");
    form.setAttribute("hx-swap", "innerHTML");
    form.setAttribute("hx-push-url", "false");
  }
}

for (const box of $$("dialog")) {
  box.addEventListener("click", ({ target }) => {
    if (target === box) box.close(); // the backdrop
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
    return dialog.close();
  }
  for (const menu of $$(OPEN_MENU)) {
    if (!menu.contains(target)) menu.open = false;
  }
}, true);

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
