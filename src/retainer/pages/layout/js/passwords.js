// A box that shows what is typed into the passwords of its form.

import { $$, on } from "./dom.js";

on("change", ({ target }) => {
  if (!target.matches("[data-shows]")) return;
  for (const field of $$("[autocomplete$=password]", target.form)) {
    field.type = target.checked ? "text" : "password";
  }
});
