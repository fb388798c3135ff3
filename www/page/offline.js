// @ts-check
/**
 * Registers the service worker that keeps the page for use without a network. The list of files
 * comes from the build; where there is none (a development server), nothing is kept.
 */

/** Files that are fetched when they are chosen. */
const CHOSEN = /\/(models|samples)\/[^?#]+$/;

/** @param {{ idle: () => boolean }} page `idle`: may the page reload itself without loss? */
export async function keepOffline({ idle }) {
  const container = navigator.serviceWorker;
  if (!container) return;
  let response;
  try {
    response = await fetch("./precache.json", { cache: "no-store" });
  } catch {
    // No network: a page that was kept is in use, or none was.
    if (container.controller) document.documentElement.dataset.offline = "ready";
    return;
  }
  const scope = new URL("./", document.baseURI).href;
  if (response.status === 404 || response.status === 410) {
    // A list that is gone must not leave an old copy of the page in charge.
    for (const one of await container.getRegistrations()) if (one.scope === scope) await one.unregister();
    return;
  }
  if (!response.ok) return;
  const digest = await crypto.subtle.digest("SHA-256", await response.arrayBuffer());
  const version = [...new Uint8Array(digest).subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  // The version is part of the address, so that a new list makes the browser install a new worker
  // beside the old one. The old one serves its own files until no page uses it.
  let registration;
  try {
    registration = await container.register(`./sw.js?version=${version}`, { scope: "./", updateViaCache: "none" });
  } catch {
    return; // storage may be closed to this page, which then works with the network only
  }
  const worker = registration?.installing ?? registration?.waiting ?? registration?.active;
  if (!worker) return;
  const settle = () => {
    if (worker.state === "activated") void keepChosen().then(() => (document.documentElement.dataset.offline = "ready"));
    if (worker.state === "installed" && registration.active && idle()) {
      // Only where this is the one open page of the site: see sw.js.
      container.addEventListener("controllerchange", () => idle() && location.reload(), { once: true });
      worker.postMessage("take over if alone");
    }
  };
  worker.addEventListener("statechange", settle);
  settle();
}

/** What was chosen before there was a worker passes through it now, to be kept as well: models and pictures. */
async function keepChosen() {
  const chosen = performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => CHOSEN.test(name));
  await Promise.allSettled(chosen.map((name) => fetch(name)));
}
