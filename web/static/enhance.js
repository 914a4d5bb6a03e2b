// Everything here makes a page better that already works as a plain form.
"use strict";

// Partial updates: the answer is a whole page, of which one element takes the old one's place.
async function take(response, selector) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector(selector);
  const old = document.querySelector(selector);
  if (!fresh || !old) return false;
  const settle = keep(old);
  old.replaceWith(fresh);
  prepare(fresh);
  document.dispatchEvent(new Event("tollgate:swapped"));
  settle();
  return true;
}

// What has the focus and how far things are scrolled stays so, by id. A form that has just opened
// gets the focus instead.
function keep(old) {
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = [...old.querySelectorAll("[data-keep]")].map((part) => [part.id, part.scrollTop]);
  const [left, top, open] = [scrollX, scrollY, old.querySelector("[data-opens]")?.dataset.opens];
  return () => {
    for (const [id, height] of scrolled) {
      const part = document.getElementById(id);
      if (part) part.scrollTop = height;
    }
    scrollTo(left, top);
    const form = document.querySelector("[data-opens]");
    const field = form && (form.querySelector("[aria-invalid]")
      ?? (form.dataset.opens === open ? null : form.querySelector("input:not([type=hidden]), select, textarea")));
    const next = field ?? (focused ? document.getElementById(focused) : null);
    next?.focus({ preventScroll: !field });
    if (field) form.scrollIntoView({ block: "nearest" });
  };
}

// A new session has a new token, which a form that was opened before it needs. Answers whether the
// form has one now, or that nobody is signed in.
async function renew(form) {
  const answer = await fetch(location.href);
  if (signedOut(answer)) return "signed out";
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(".frame input[name=csrf]");
  const old = form.querySelector("input[name=csrf]");
  if (!fresh || fresh.value === old.value) return "as before";
  old.value = fresh.value;
  return "renewed";
}

const signedOut = (answer) => answer.redirected && new URL(answer.url).pathname === "/sign-in";

function say(form, text) {
  form.querySelector(".said")?.remove();
  const line = Object.assign(document.createElement("p"), { className: "fault said", textContent: text });
  line.setAttribute("role", "alert");
  form.prepend(line);
  line.scrollIntoView({ block: "nearest" });
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  leaving = true;
  const selector = button?.dataset.swap || form.dataset.swap;
  // What a button with data-whole leads to is another page, to be read from its top.
  if (!selector || form.method !== "post" || button?.hasAttribute("data-whole")) return;
  event.preventDefault();
  leaving = false;
  button?.setAttribute("aria-busy", "true");
  // A part that says by itself what stood in the way stays in sight.
  const stays = Boolean(button?.closest("[data-stay]"));
  const action = button?.hasAttribute("formaction") ? button.formAction : form.action;
  const send = () => fetch(action, {
    method: "POST", body: new URLSearchParams(new FormData(form, button)),
  });
  try {
    let response = await send();
    const token = response.status === 403 ? await renew(form) : "as before";
    if (token === "renewed") response = await send();
    if (token === "signed out" || signedOut(response)) {
      // Going there would lose what was typed.
      say(form, "Your session ended. Sign in in another tab, then send this again: nothing is lost.");
    } else if (response.redirected) {
      leaving = true;
      location.assign(response.url);
    } else if (await take(response, selector)) {
      if (!stays) document.querySelector(selector + " [role=alert]")?.scrollIntoView({ block: "nearest" });
    } else {
      throw new Error("nothing to swap");
    }
  } catch {
    // Whatever went wrong, the browser's own way says it best.
    leaving = true;
    button?.removeAttribute("aria-busy");
    const named = document.createElement("input");
    if (button?.name) {
      Object.assign(named, { type: "hidden", name: button.name, value: button.value });
      form.append(named);
    }
    form.submit();
  } finally {
    button?.removeAttribute("aria-busy");
  }
});

// Waiting: an element with data-poll is fetched anew until its successor no longer has the mark.
async function poll(element) {
  const [url, selector] = [element.dataset.poll, "#" + element.id];
  for (let tries = 0; tries < 600 && document.contains(element); tries++) {
    await new Promise((done) => setTimeout(done, 2000));
    if (document.hidden) continue;
    try {
      const page = new DOMParser().parseFromString(await (await fetch(url)).text(), "text/html");
      const fresh = page.querySelector(selector);
      if (fresh && !("poll" in fresh.dataset)) {
        element.replaceWith(fresh);
        return;
      }
    } catch {
      // The next try may do better.
    }
  }
}

// Rows: a click anywhere opens what the name links to.
document.addEventListener("click", (event) => {
  const row = event.target.closest("tr[data-href]");
  if (!row || event.target.closest("a, button, input, select, label, summary")) return;
  if (String(getSelection())) return;
  const link = row.querySelector("a[href]");
  if (event.ctrlKey || event.metaKey) open(link.href);
  else link.click();
});

// The drawer: a link's page, opened beside the list it stands in.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-drawer]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  try {
    const answer = await fetch(link.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const body = page.querySelector(link.dataset.drawer);
    if (!answer.ok || !body) throw new Error("no such part");
    const drawer = document.createElement("dialog");
    drawer.className = "drawer";
    drawer.setAttribute("aria-label", page.title);
    const bar = document.createElement("div");
    bar.className = "drawer-bar";
    const whole = Object.assign(document.createElement("a"), {
      href: link.href, textContent: "Open as a page", className: "button button-small",
    });
    const close = Object.assign(document.createElement("button"), {
      textContent: "Close", className: "button button-small", type: "button",
    });
    close.addEventListener("click", () => drawer.close());
    drawer.addEventListener("click", (e) => e.target === drawer && drawer.close());
    drawer.addEventListener("close", () => drawer.remove());
    bar.append(whole, close);
    drawer.append(bar, body);
    document.body.append(drawer);
    drawer.showModal();
  } catch {
    location.assign(link.href);
  }
});

// Unsaved text is not lost by a stray click.
let leaving = false;
addEventListener("beforeunload", (event) => {
  const changed = [...document.querySelectorAll("form[data-guard] textarea")]
    .some((area) => area.value !== area.defaultValue || "unsaved" in area.dataset);
  if (changed && !leaving) event.preventDefault();
});

// ⌘K or Ctrl-K: to the search field of the page, or to the audit log's.
function search() {
  const field = document.querySelector("input[type=search]");
  if (!field) return false;
  const folded = field.closest("details");
  if (folded) folded.open = true;
  field.focus();
  return true;
}
addEventListener("keydown", (event) => {
  if (!(event.metaKey || event.ctrlKey) || event.key !== "k") return;
  event.preventDefault();
  if (!search() && document.querySelector(".frame")) location.assign("/audit#q");
});
if (location.hash === "#q") search();

// One menu at a time, closed by Escape or a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
});

// Finding among rows: those without the words in their name go out of sight as one types.
document.addEventListener("input", (event) => {
  const rows = event.target.dataset?.find;
  if (!rows) return;
  const words = event.target.value.trim().toLowerCase();
  for (const row of document.querySelectorAll(rows)) {
    row.hidden = !row.dataset.name.toLowerCase().includes(words) && !row.matches("[data-open]");
  }
});

// Rows of a form that can be repeated.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-repeat]");
  if (!button) return;
  const rows = document.querySelectorAll(button.dataset.repeat);
  const copy = rows[rows.length - 1].cloneNode(true);
  for (const input of copy.querySelectorAll("input")) {
    input.value = "";
    input.removeAttribute("id");
  }
  rows[rows.length - 1].after(copy);
  copy.querySelector("input").focus();
});

// Line numbers beside an editor; the faulty ones stand out.
function number(editor) {
  const area = editor.querySelector("textarea");
  const gutter = document.createElement("div");
  gutter.className = "gutter";
  gutter.setAttribute("aria-hidden", "true");
  const bad = new Set((editor.dataset.bad || "").split(" "));
  const draw = () => {
    const lines = area.value.split("\n").length;
    if (gutter.childElementCount === lines) return;
    gutter.replaceChildren(...Array.from({ length: lines }, (_, at) => {
      const line = document.createElement("span");
      line.className = bad.has(String(at + 1)) ? "bad" : "line";
      line.textContent = at + 1;
      return line;
    }));
  };
  area.addEventListener("input", draw);
  area.addEventListener("scroll", () => { gutter.scrollTop = area.scrollTop; });
  new ResizeObserver(() => { gutter.style.height = area.offsetHeight + "px"; }).observe(area);
  editor.prepend(gutter);
  editor.classList.add("numbered");
  draw();
}

// Live parts: while someone types, the form is sent to be looked at, and the parts of the page that
// it names are made anew. Whatever has the focus stays.
function live(form) {
  let waiting, asked;
  async function look() {
    asked?.abort();
    asked = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    body.set("act", "look");
    try {
      const answer = await fetch(form.action, { method: "POST", body, signal: asked.signal });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const selector of form.dataset.live.split(" ")) {
        const [old, fresh] = [form.querySelector(selector), page.querySelector(selector)];
        if (!old || !fresh || old.contains(document.activeElement)) continue;
        if (old.innerHTML === fresh.innerHTML) continue;
        const settle = keep(old);
        old.replaceWith(fresh);
        prepare(fresh);
        settle();
      }
    } catch {
      // The next key sends it again, and the buttons do it as well.
    }
  }
  form.addEventListener("input", (event) => {
    if (event.target.name === "tab" || event.target.name === "show" || event.target.name === "note") return;
    clearTimeout(waiting);
    waiting = setTimeout(look, 350);
  });
}

function prepare(root) {
  const all = (selector) => [
    ...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector),
  ];
  all("[data-poll]").forEach(poll);
  all(".editor").forEach(number);
  all("form[data-live]").forEach(live);
  all(".excerpt .caret").forEach((caret) => {
    // The place of the fault is in sight on a narrow screen too.
    const box = caret.closest(".excerpt");
    box.scrollLeft = Math.max(0, caret.offsetLeft + caret.offsetWidth - box.offsetLeft - box.clientWidth / 2);
  });
  all("[data-url]").forEach((part) => history.replaceState(null, "", part.dataset.url));
  all("a[data-jump]").forEach((link) => link.addEventListener("click", (event) => {
    const area = document.getElementById(link.dataset.area);
    if (!area) return;
    event.preventDefault();
    const lines = area.value.split("\n").slice(0, Number(link.dataset.jump) - 1);
    const at = lines.reduce((sum, line) => sum + line.length + 1, 0);
    area.focus();
    area.setSelectionRange(at, at + (area.value.slice(at).indexOf("\n") + 1 || 1));
    area.scrollTop = Math.max(0, (lines.length - 5) * 20);
  }));
}
prepare(document);

// What was just done is said once, not again after a reload.
const here = new URL(location.href);
if (here.searchParams.has("done")) {
  here.searchParams.delete("done");
  history.replaceState(null, "", here);
}
