// @ts-check
// A classic script in the head, so that a stored choice applies before the first paint.
(() => {
  const root = document.documentElement;
  try {
    const stored = localStorage.getItem("theme");
    if (stored === "light" || stored === "dark") root.dataset.theme = stored;
  } catch {
    // Storage may be closed to this page; the system's setting then stands.
  }
})();
