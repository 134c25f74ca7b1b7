// The page of a set-up link: the token comes after the "#", which no server sees, and goes out in the body only.

const form = document.getElementById("form");
const button = document.getElementById("submit");
const fields = { password: document.getElementById("password"), again: document.getElementById("again") };
const token = new URLSearchParams(location.hash.slice(1)).get("token");

form.noValidate = true;
if (token) {
  fields.password.focus();
} else {
  form.hidden = true;
  sayProblem("The link is incomplete. Open it exactly as you received it, or ask an administrator for a new one.");
}

// Another link opened in this tab differs after the "#" only: the browser would stay on the page as it is.
addEventListener("hashchange", () => location.reload());

document.getElementById("show").addEventListener("change", (event) => {
  for (const input of Object.values(fields)) input.type = event.target.checked ? "text" : "password";
});

for (const name of Object.keys(fields)) {
  fields[name].addEventListener("input", () => sayError(name, ""));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.getAttribute("aria-disabled") === "true") return;
  const errors = ownErrors();
  if (Object.keys(errors).length) return showErrors(errors);
  sayProblem("");
  setBusy(true);
  try {
    await choose(fields.password.value);
  } catch {
    sayProblem("The server cannot be reached. Check your connection and try again.");
  } finally {
    setBusy(false);
  }
});

function ownErrors() {
  const errors = {};
  const length = [...fields.password.value].length;
  if (length < 8) errors.password = length ? `Use at least 8 characters; this has ${length}.` : "Enter a password.";
  else if (!fields.again.value) errors.again = "Enter it once more, so that no slip of the finger locks you out.";
  else if (fields.again.value !== fields.password.value) errors.again = "This differs from the first one.";
  return errors;
}

async function choose(password) {
  const answer = await fetch("/api/setup", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, password }),
  });
  const body = await answer.json();
  if (answer.ok) return welcome(body);
  const errors = Object.fromEntries((body.errors || []).map((e) => [e.field, e.message]));
  if (errors.token) {
    sayProblem(`The link ${errors.token}.`);
    form.hidden = true;
    forgetToken();
  } else if (errors.password) {
    showErrors({ password: `The password ${errors.password}.` });
  } else {
    sayProblem(body.detail);
  }
}

function welcome(user) {
  document.getElementById("done-name").textContent = user.fullName;
  document.getElementById("done-username").textContent = user.username;
  document.getElementById("choose").hidden = true;
  document.getElementById("done").hidden = false;
  document.title = "Signed in · Retainer";
  document.getElementById("done-title").focus();
  forgetToken();
  form.reset();
}

// A used token is worth nothing, but need not stay in the history either.
function forgetToken() {
  history.replaceState(null, "", location.pathname);
}

function showErrors(errors) {
  for (const name of Object.keys(fields)) sayError(name, errors[name] || "");
  fields[Object.keys(fields).find((name) => errors[name])].focus();
}

function sayError(name, words) {
  const place = document.getElementById(`${name}-error`);
  place.textContent = words;
  place.hidden = !words;
  if (words) fields[name].setAttribute("aria-invalid", "true");
  else fields[name].removeAttribute("aria-invalid");
}

function sayProblem(words) {
  const place = document.getElementById("problem");
  place.textContent = words;
  place.hidden = !words;
}

function setBusy(busy) {
  button.setAttribute("aria-disabled", String(busy));
  button.textContent = busy ? "Setting the password…" : "Set password and sign in";
}
