/* Keys, signs of life, measured seconds and drafts of the annotators' pages. All works without. */
(() => {
  "use strict";
  const store = (area) => { try { return window[area]; } catch { return null; } };
  const session = store("sessionStorage"), local = store("localStorage");
  const get = (area, name) => { try { return area?.getItem(name) ?? null; } catch { return null; } };
  const put = (area, name, value) => { try { area?.setItem(name, value); } catch { /* full, or off */ } };

  // Whoever signs in, or out, leaves nothing of what was typed behind.
  if (document.querySelector("[data-forget]")) { try { session?.clear(); } catch { /* off */ } }

  /* Single keys can be turned off: they would fight with speech input. */
  const box = document.getElementById("keys");
  if (box) {
    box.checked = get(local, "queue-keys") !== "off";
    box.addEventListener("change", () => put(local, "queue-keys", box.checked ? "on" : "off"));
  }
  const writes = (element) => element && (element.isContentEditable
    || /^(TEXTAREA|SELECT)$/.test(element.tagName)
    || (element.tagName === "INPUT" && !/^(radio|checkbox)$/.test(element.type)));
  const form = document.getElementById("answer");

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button.main"));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (!box?.checked || writes(event.target)) return;
    const key = event.key.toLowerCase();
    const radio = /^[1-9]$/.test(key) && document.querySelectorAll("input[type=radio][data-pick]")[key - 1];
    if (radio) {
      event.preventDefault();
      radio.checked = true;
      radio.focus();
      radio.dispatchEvent(new Event("change", { bubbles: true }));
      return;
    }
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (target) {
      event.preventDefault();
      target.focus();
      target.click();
    }
  });

  /* One press sends once. */
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "1";
    event.submitter?.setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const sent of document.querySelectorAll("[data-sent]")) delete sent.dataset.sent;
    for (const button of document.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  });

  const work = document.querySelector("[data-work]");
  if (!work) return;
  const name = `queue-${work.dataset.work}`;

  /* Seconds while the page is seen, or while the labelling tool opened from it is in use. */
  let total = Number(get(session, `${name}-seconds`)) || 0;
  let since = document.visibilityState === "visible" ? performance.now() : null;
  let tool = false, moved = true;
  const measured = () => total + (since === null ? 0 : (performance.now() - since) / 1000);
  const keep = () => put(session, `${name}-seconds`, measured().toFixed(1));
  const settle = () => {
    total = measured();
    since = document.visibilityState === "visible" || tool ? performance.now() : null;
    put(session, `${name}-seconds`, total.toFixed(1));
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") moved = true;
    settle();
    if (document.visibilityState === "visible") beat();
  });
  window.addEventListener("pagehide", keep);
  setInterval(keep, 5000);
  document.querySelector("[data-tool]")?.addEventListener("click", () => { settle(); tool = true; });
  form?.addEventListener("submit", () => {
    const field = form.elements.namedItem("seconds");
    if (field) field.value = measured().toFixed(1);
  });

  /* What was typed outlives a reload; it goes with the tab. */
  const draft = form?.querySelector("[data-draft]");
  if (draft) {
    if (!draft.value) draft.value = get(session, `${name}-draft`) ?? "";
    draft.addEventListener("input", () => put(session, `${name}-draft`, draft.value));
  }

  /* Signs of life: only while somebody is there, or works in the tool (no longer than four hours). */
  const until = document.getElementById("until"), lost = document.getElementById("lost");
  const token = document.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  let over = false, busy = false, toolBeats = 0;
  const every = Number(work.dataset.beatSeconds) * 1000;
  for (const kind of ["pointermove", "pointerdown", "keydown", "scroll", "wheel", "input"]) {
    window.addEventListener(kind, () => { moved = true; }, { passive: true, capture: true });
  }
  const playing = () => [...document.querySelectorAll("audio, video")].some((media) => !media.paused);
  async function beat() {
    if (over || busy) return;
    const working = tool && toolBeats++ * every < 4 * 3600 * 1000;
    if (!moved && !working && !playing()) return;
    moved = false;
    busy = true;
    try {
      const answer = await fetch(work.dataset.beat, {
        method: "POST", headers: { "X-CSRFToken": token }, redirect: "manual",
      });
      if (answer.ok) {
        until.textContent = (await answer.json()).until;
      } else if ((answer.headers.get("content-type") ?? "").includes("json")) {
        over = true;
        lost.textContent = (await answer.json()).error;
        lost.hidden = false;
      }
    } catch {
      moved = true; // no network: the next one tries again
    } finally {
      busy = false;
    }
  }
  setInterval(beat, every);
})();
