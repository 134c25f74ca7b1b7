// The dialog that signs in over a page, or asks for the password again; loaded when it is needed.

import { $, element } from "./dom.js";

const MARKUP = `
  <form class="form">
    <h1 id="sign-in-title">Sign in again</h1>
    <p>Your session has ended. What you typed is still here.</p>
    <p class="notice danger" role="alert" hidden></p>
    <div class="field"><label for="sign-in-name">E-mail</label>
      <input id="sign-in-name" type="email" autocomplete="username" required maxlength="254"></div>
    <div class="field"><label for="sign-in-password">Password</label>
      <input id="sign-in-password" type="password" autocomplete="current-password" required></div>
    <p class="actions"><button type="button" class="button">Not now</button>
      <button class="button primary">Sign in</button></p>
  </form>`;
const { user, username } = document.body.dataset;

let asked = null;

// For a refusal that the password remedies, if any; true once it is given.
export function askToSignIn(refusal) {
  const needsPassword = refusal?.headers?.has("retainer-needs");
  if (refusal?.status === 403 && !needsPassword) return false;
  asked ??= ask(needsPassword).finally(() => {
    asked = null;
  });
  return asked;
}

async function ask(needsPassword) {
  const known = await fetch("/api/user"); // one may have signed in in another window
  if (known.ok && !needsPassword) return resume(await known.json());
  const box = element("dialog", { className: "dialog" });
  box.setAttribute("aria-labelledby", "sign-in-title");
  box.setHTMLUnsafe(MARKUP);
  const [name, password] = box.querySelectorAll("input");
  name.value = username;
  if (known.ok) {
    name.readOnly = true;
    $("h1", box).textContent = "Enter your password again";
    $("h1 + p", box).textContent = "You gave it last over 15 minutes ago, and this takes it.";
    $(".primary", box).textContent = "Continue";
  }
  const { promise, resolve } = Promise.withResolvers();
  box.addEventListener("close", () => {
    box.remove();
    resolve(box.returnValue === "done");
  });
  $("[type=button]", box).onclick = () => box.close();
  $("form", box).onsubmit = async (event) => {
    event.preventDefault();
    const given = { password: password.value };
    const problem = known.ok
      ? await tried("/api/user/confirmations", given)
      : await tried("/api/login", { username: name.value, ...given });
    if (!problem) return box.close("done");
    const notice = $("[role=alert]", box);
    notice.hidden = false;
    notice.textContent = problem;
    password.select();
  };
  document.body.append(box);
  box.showModal();
  password.focus();
  return promise;
}

// In words why one is not signed in; empty where one is.
async function tried(path, credentials) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(credentials),
    });
    const body = response.status === 204 ? null : await response.json();
    if (!response.ok) return body.detail;
    if (body) resume(body);
    return "";
  } catch {
    return "The server cannot be reached. Try again in a moment.";
  }
}

// True for the same user. Another one gets pages of their own.
function resume({ id }) {
  if (String(id) !== user) location.assign("/");
  document.dispatchEvent(new Event("signedin"));
  return String(id) === user;
}
