// A box that shows what is typed into the passwords of its form.

import { $$, on } from "./dom.js";

function show(box) {
  for (const field of $$("[autocomplete$=password]", box.form)) {
    field.type = box.checked ? "text" : "password";
  }
}

on("change", ({ target }) => {
  if (target.matches("[data-shows]")) show(target);
});

$$("[data-shows]:checked").forEach(show); // ticked before this was loaded
