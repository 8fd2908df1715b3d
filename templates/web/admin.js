// Follows an issue while its page is open. Without this script the page says the same when it is loaded again.
"use strict";
(() => {
  const place = document.querySelector("[data-progress]");
  if (!place) return;
  const QUICK = 1500, SLOW = 6000, SPOKEN = 15000; // milliseconds
  const OVER = ["done", "cancelled"];
  const find = (name) => place.querySelector(`[data-${name}]`);
  const number = (count) => count.toLocaleString("en");
  let spokenAt = 0, state = place.dataset.state;

  const speak = (words) => {
    find("spoken").textContent = words;
    spokenAt = Date.now();
  };

  const show = (now) => {
    find("words").textContent = now.words;
    find("reason").textContent = now.reason;
    find("reason").hidden = !now.reason;
    find("total").textContent = number(now.total);
    for (const cell of place.querySelectorAll("[data-count]")) {
      const count = now.counts[cell.dataset.count] || 0;
      cell.textContent = number(count);
      cell.parentElement.hidden = !count;
    }
    for (const part of now.bar) {
      const bar = place.querySelector(`[data-part="${part.part}"]`);
      if (!bar) continue;
      bar.setAttribute("x", `${part.x}%`);
      bar.setAttribute("width", `${part.width}%`);
    }
    for (const one of place.querySelectorAll("[data-states]")) {
      const may = one.dataset.states.split(" ").includes(now.state);
      if (!may && one.contains(document.activeElement)) place.closest("main").focus();
      one.hidden = !may;
    }
    const told = place.querySelector("svg desc");
    if (told) told.textContent = now.words;
    // a screen reader hears of it now and then, and at once when something happened
    if (now.state !== state || Date.now() - spokenAt > SPOKEN) speak(now.words);
    state = now.state;
  };

  const look = async () => {
    if (document.hidden) return void setTimeout(look, QUICK);
    let wait = SLOW;
    try {
      const answer = await fetch(place.dataset.progress, { cache: "no-store" });
      if (answer.status === 401) return speak("You are not logged in any more.");
      if (answer.ok) {
        show(await answer.json());
        if (state === "open") wait = QUICK;
      }
    } catch {
      // the server may be on its way back
    }
    if (!OVER.includes(state)) setTimeout(look, wait);
    else find("again").hidden = true;
  };

  if (OVER.includes(state)) return;
  spokenAt = Date.now();
  setTimeout(look, QUICK);
})();
