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
  const seen = (element) => element.offsetParent !== null;

  /* Fields that are needed for one choice only. */
  for (const place of document.querySelectorAll("[data-when]")) {
    const [name, values] = place.dataset.when.split(": ");
    const show = () => {
      const chosen = form?.querySelector(`input[name="${name}"]:checked`)?.value;
      place.hidden = !values.split(" ").includes(chosen);
    };
    form?.addEventListener("change", show);
    window.addEventListener("pageshow", show);
    show();
  }

  /* A number is meant for the field that has the focus, else for the first without an answer. */
  const meant = (key) => {
    const picks = [...document.querySelectorAll(`input[data-pick="${key}"]`)].filter(seen);
    const open = (pick) => !document.querySelector(`input[name="${CSS.escape(pick.name)}"]:checked`);
    return picks.find((pick) => pick.name === document.activeElement.name)
      ?? picks.find(open) ?? picks[0];
  };

  /* All keys, for whoever asks. */
  const help = document.getElementById("help"), ask = document.querySelector("[data-help]");
  if (help && ask) {
    ask.hidden = false;
    ask.addEventListener("click", () => { if (!help.open) help.showModal(); });
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button.main"));
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || help?.open) return;
    if (event.key === "Escape" && writes(event.target)) { event.target.blur(); return; }
    if (!box?.checked || writes(event.target)) return;
    const key = event.key.toLowerCase();
    if (key === "enter" && form && event.target === document.body
        && [...form.querySelectorAll("input:checked")].some(seen)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("button.main"));
      return;
    }
    const radio = /^[0-9]$/.test(key) && meant(key);
    if (radio) {
      event.preventDefault();
      radio.checked = true;
      radio.focus();
      radio.dispatchEvent(new Event("change", { bubbles: true }));
      return;
    }
    const target = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(seen);
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
  for (const draft of document.querySelectorAll("[data-draft]")) {
    const where = `${name}-draft-${draft.name}`;
    if (!draft.value) draft.value = get(session, where) ?? "";
    for (const kind of ["input", "change"]) {
      draft.addEventListener(kind, () => put(session, where, draft.value));
    }
  }

  /* Whoever is to type begins at once; not on a phone, where the keys would cover the task. */
  const wrong = form?.querySelector("[aria-invalid=true]");
  const first = form?.querySelector("input[type=radio], input[type=checkbox], [data-draft]");
  const field = wrong?.matches("fieldset") ? wrong.querySelector("input") : wrong;
  if (field) field.focus();
  else if (first?.matches("[data-draft]") && seen(first) && matchMedia("(pointer: fine)").matches) first.focus();

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
    if (over || busy || !work.dataset.beat) return;
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
  if (work.dataset.beat) setInterval(beat, every);
})();
