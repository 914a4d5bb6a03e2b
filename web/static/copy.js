// On every page: says that scripts run, and copies what has a button for it.
"use strict";

document.documentElement.classList.add("js");

// Copying: the button names what it copies, or stands beside it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const named = button.dataset.copy && document.getElementById(button.dataset.copy);
  const source = named || button.parentElement.querySelector("code, pre");
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
  } catch {
    // Without the clipboard (plain http), the text is selected, ready for the keyboard.
    getSelection().selectAllChildren(source);
    return;
  }
  const said = button.textContent;
  button.textContent = "Copied";
  button.classList.add("done");
  setTimeout(() => {
    button.textContent = said;
    button.classList.remove("done");
  }, 1500);
});
