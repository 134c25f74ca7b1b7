// A session that has ended, or takes the password again.

import { main, on } from "./dom.js";
import { go } from "./navigation.js";
import { hideProblem, showProblem } from "./toasts.js";

const SIGNED_OUT = "signed-out";

// True once what was refused can be sent again.
export async function signIn(refusal) {
  const module = await import("./sign_in.js").catch(() => open("/login")); // after an upgrade
  const isSignedIn = await module?.askToSignIn?.(refusal);
  if (isSignedIn) hideProblem(SIGNED_OUT);
  return isSignedIn;
}

// Typing is not interrupted.
export function tellSignedOut() {
  const remedy = { words: "Sign in", run: () => signIn() };
  showProblem("You are signed out. What you typed is still here.", SIGNED_OUT, remedy);
}

on("htmx:response:error", async ({ detail: { ctx } }) => {
  if (ctx.response.status !== 401 || ctx.sent) return;
  const { target, swap, push, replace, request, sourceEvent } = ctx;
  if (sourceEvent.type !== "click" && push !== "true") return tellSignedOut();
  if (!(await signIn())) return;
  const headers = { "HX-Target": request.headers["HX-Target"] };
  go(request.action, { target, swap, push: push ?? String(target === main()), replace, headers });
});
