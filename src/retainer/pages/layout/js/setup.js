// The page of a set-up link. The token stands after the "#" of its URL, which no server sees,
// and goes out in a body only.

import { $ } from "./dom.js";
import "./passwords.js";

const MINIMUM_LENGTH = 8;

const form = $("#form");
const button = $("#submit");
const fields = { password: $("#password"), again: $("#again") };
const token = new URLSearchParams(location.hash.slice(1)).get("token");

form.noValidate = true;
if (token) {
  fields.password.focus();
} else {
  form.hidden = true;
  showProblem(
    "The link is incomplete. Open it exactly as you received it, " +
      "or ask an administrator for a new one.",
  );
}

// Another link opened in this tab differs after the "#" only: the browser would keep the page.
addEventListener("hashchange", () => location.reload());

for (const [name, field] of Object.entries(fields)) {
  field.addEventListener("input", () => showError(name, ""));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.getAttribute("aria-disabled") === "true") return;
  const errors = check();
  if (Object.keys(errors).length) return showErrors(errors);
  showProblem("");
  setBusy(true);
  try {
    await setPassword(fields.password.value);
  } catch {
    showProblem("The server cannot be reached. Check your connection and try again.");
  } finally {
    setBusy(false);
  }
});

// Errors that need no question to the server, by field.
function check() {
  const password = fields.password.value;
  const again = fields.again.value;
  const length = [...password].length; // in characters, as the server counts them
  if (!length) return { password: "Enter a password." };
  if (length < MINIMUM_LENGTH) {
    return { password: `Use at least ${MINIMUM_LENGTH} characters; this has ${length}.` };
  }
  if (!again) return { again: "Enter it once more, so that no slip of the finger locks you out." };
  if (again !== password) return { again: "This differs from the first one." };
  return {};
}

async function setPassword(password) {
  const response = await fetch("/api/setup", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, password }),
  });
  const body = await response.json();
  if (response.ok) return welcome(body);
  const errors = Object.fromEntries((body.errors || []).map((e) => [e.field, e.message]));
  if (errors.token) {
    showProblem(`The link ${errors.token}.`);
    form.hidden = true;
    forgetToken();
  } else if (errors.password) {
    showErrors({ password: `The password ${errors.password}.` });
  } else {
    showProblem(body.detail);
  }
}

function welcome(user) {
  $("#done-name").textContent = user.fullName;
  $("#done-username").textContent = user.username;
  $("#choose").hidden = true;
  $("#done").hidden = false;
  document.title = "Signed in · Retainer";
  $("#done-title").focus();
  forgetToken();
  form.reset();
}

// A used token is worth nothing, but need not stay in the history either.
function forgetToken() {
  history.replaceState(null, "", location.pathname);
}

function showErrors(errors) {
  const names = Object.keys(fields);
  for (const name of names) showError(name, errors[name] || "");
  fields[names.find((name) => errors[name])].focus();
}

function showError(name, message) {
  showMessage($(`#${name}-error`), message);
  if (message) fields[name].setAttribute("aria-invalid", "true");
  else fields[name].removeAttribute("aria-invalid");
}

function showProblem(message) {
  showMessage($("#problem"), message);
}

function showMessage(node, message) {
  node.textContent = message;
  node.hidden = !message;
}

function setBusy(isBusy) {
  button.setAttribute("aria-disabled", String(isBusy));
  button.textContent = isBusy ? "Setting the password…" : "Set password and sign in";
}
