// The dialog that signs in over a page, loaded when it is needed.

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

export function askToSignIn() {
  asked ??= ask().finally(() => {
    asked = null;
  });
  return asked;
}

async function ask() {
  const known = await fetch("/api/user"); // one may have signed in in another window
  if (known.ok) return resume(await known.json());
  const box = element("dialog", { className: "dialog" });
  box.setAttribute("aria-labelledby", "sign-in-title");
  box.setHTMLUnsafe(MARKUP);
  const [name, password] = box.querySelectorAll("input");
  name.value = username;
  const { promise, resolve } = Promise.withResolvers();
  box.addEventListener("close", () => {
    box.remove();
    resolve(box.returnValue === "done");
  });
  $("[type=button]", box).onclick = () => box.close();
  $("form", box).onsubmit = async (event) => {
    event.preventDefault();
    const problem = await tried({ username: name.value, password: password.value });
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
async function tried(credentials) {
  try {
    const response = await fetch("/api/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(credentials),
    });
    const body = await response.json();
    if (!response.ok) return body.detail;
    resume(body);
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
