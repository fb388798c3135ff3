// @ts-check
/** The button for the dark theme. theme.js has applied a stored choice before the first paint. */

/** @param {HTMLElement} button */
export function acceptTheme(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = /** @type {string | null} */ (null);
  try {
    const stored = localStorage.getItem("theme");
    if (stored === "light" || stored === "dark") chosen = stored;
  } catch {
    // Storage may be closed to this page; the system's setting then stands.
  }
  const isDark = () => (chosen ? chosen === "dark" : system.matches);
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = chosen = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", chosen);
    } catch {
      // The choice then lasts as long as the page.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}
