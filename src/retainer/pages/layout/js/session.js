// A session that has ended: one signs in over the page, and goes on where one was.

import { main, on } from "./dom.js";
import { go } from "./navigation.js";
import { askToSignIn } from "./sign_in.js";
import { hideProblem, showProblem } from "./toasts.js";

const SIGNED_OUT = "signed-out";

// True once the same user is signed in again; false where they would rather not.
export async function signIn() {
  const isSignedIn = await askToSignIn();
  if (isSignedIn) hideProblem(SIGNED_OUT);
  return isSignedIn;
}

// For requests that nobody made by hand: typing is not interrupted.
export function tellSignedOut() {
  const remedy = { words: "Sign in", run: signIn };
  showProblem("You are signed out. What you typed is still here.", SIGNED_OUT, remedy);
}

on("htmx:response:error", async ({ detail: { ctx } }) => {
  if (ctx.response.status !== 401 || ctx.sent) return;
  const isByHand = ctx.sourceEvent?.type === "click" || ctx.push === "true";
  if (!isByHand) return tellSignedOut();
  if (!(await signIn())) return;
  const { target, swap, push, replace } = ctx;
  const headers = { "HX-Target": ctx.request.headers["HX-Target"] };
  go(ctx.request.action, { target, swap, push: push ?? String(target === main()), replace, headers });
});
