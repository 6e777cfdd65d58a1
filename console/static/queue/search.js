/* Fields with many labels: what is typed is searched, the labels found are chosen by arrow keys. */
(() => {
  "use strict";
  for (const plain of document.querySelectorAll("[data-plain]")) plain.remove();
  for (const place of document.querySelectorAll("[data-search]")) set(place);

  function set(place) {
    const input = place.querySelector("input[type=text]");
    const list = place.querySelector("[role=listbox]"), told = place.querySelector("[role=status]");
    let at = -1, asked = 0, timer = 0;
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"],
      ["aria-expanded", "false"], ["aria-controls", list.id]]) input.setAttribute(name, value);

    const shut = () => {
      at = -1;
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const mark = (place) => {
      const options = list.children;
      if (!options.length) return;
      options[at]?.setAttribute("aria-selected", "false");
      at = (place + options.length) % options.length;
      options[at].setAttribute("aria-selected", "true");
      options[at].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", options[at].id);
    };
    const choose = (option) => {
      input.value = option.textContent;
      input.dispatchEvent(new Event("change", { bubbles: true }));
      clearTimeout(timer);
      asked += 1; // an answer still on its way opens nothing
      shut();
    };
    const look = async () => {
      const mine = ++asked;
      const query = new URLSearchParams({ part: place.dataset.part, q: input.value });
      let found;
      try {
        const answer = await fetch(`${place.dataset.search}?${query}`);
        if (!answer.ok) return;
        found = (await answer.json()).labels;
      } catch {
        return; // no network: what is typed is checked when it is sent
      }
      if (mine !== asked || document.activeElement !== input) return;
      list.replaceChildren(...found.map((label, number) => {
        const option = document.createElement("li");
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.setAttribute("dir", "auto");
        option.id = `${list.id}_${number}`;
        option.textContent = label.words;
        option.addEventListener("pointerdown", (event) => event.preventDefault());
        option.addEventListener("click", () => choose(option));
        return option;
      }));
      at = -1;
      input.removeAttribute("aria-activedescendant");
      list.hidden = !found.length;
      input.setAttribute("aria-expanded", String(found.length > 0));
      told.textContent = found.length ? told.dataset.some : told.dataset.none;
      // Enter takes the nearest one.
      if (found.length && input.value.trim()) mark(0);
    };

    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 120); });
    input.addEventListener("blur", shut);
    input.addEventListener("keydown", (event) => {
      if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) look();
        else mark(at + (event.key === "ArrowDown" ? 1 : -1));
      } else if (event.key === "Enter" && !list.hidden && at >= 0) {
        event.preventDefault();
        choose(list.children[at]);
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault(); // the first Escape shuts the list, the second leaves the field
        shut();
      }
    });
  }
})();
