// Public pages work without this; it keeps the demonstration live.
"use strict";

// The demonstration: the decision is made anew, by the server, while someone types.
const form = document.getElementById("try");
if (form) {
  let waiting, asked;
  async function decide() {
    clearTimeout(waiting);
    asked?.abort();
    asked = new AbortController();
    try {
      const query = new URLSearchParams(new FormData(form));
      const answer = await fetch("/demo?" + query, { signal: asked.signal });
      // Whoever asks too often is told so where the decision would be.
      if (answer.ok || answer.status === 429) document.getElementById("verdict").innerHTML = await answer.text();
    } catch {
      // The next key sends it again, and the button does it without script.
    }
  }
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(decide, 250);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { call } = form.elements;
    if (event.submitter?.name === "again") call.value = Math.min(Number(call.value) + 1, call.max);
    decide();
  });
  for (const link of document.querySelectorAll("a[data-try]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      form.elements.policy.value = form.elements.policy.defaultValue;
      for (const [name, value] of new URL(link.href).searchParams) form.elements[name].value = value;
      decide();
    });
  }
}
