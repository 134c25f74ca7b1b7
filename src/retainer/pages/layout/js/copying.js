// Buttons that copy a link, an address or a number, and say so beside them.

import { element, on } from "./dom.js";

const SECONDS = 4;

on("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const said = button.nextElementSibling;
  said.textContent = (await copied(button)) ? "Copied" : "The browser does not copy";
  clearTimeout(said.timer);
  said.timer = setTimeout(() => said.replaceChildren(), SECONDS * 1000);
});

async function copied(button) {
  const text = button.dataset.copy;
  // Over plain HTTP there is no clipboard; it may also be forbidden.
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return bySelection(button, text);
  }
}

// Within the dialog that is open, if any: nothing outside of it can be selected.
function bySelection(button, text) {
  const field = element("textarea", { value: text, readOnly: true, className: "sr" });
  button.after(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  button.focus();
  return isCopied;
}
