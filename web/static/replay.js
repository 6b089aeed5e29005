/* Plays a recording: every step is a link that works without this; here it is swapped in place, neighbours fetched ahead. */
(() => {
  "use strict";
  const player = document.querySelector("[data-player]");
  if (!player) return;
  const stage = document.getElementById("stage");
  const total = Number(player.dataset.total);
  const rows = new Map([...player.querySelectorAll(".steplist a[data-go]")].map((a) => [Number(a.dataset.go), a]));
  const where = document.getElementById("where");
  const play = document.getElementById("play");
  const pace = document.getElementById("pace");
  const kept = new Map();
  let at = Number(stage.querySelector(".stage").dataset.step);
  let timer = 0;
  let wanted = at;
  const clamp = (n) => Math.max(1, Math.min(total, n));

  const address = (n) => {
    const url = new URL(location.href);
    url.pathname = player.dataset.page;
    url.searchParams.set("step", n);
    url.searchParams.delete("span");
    url.hash = "";
    return url;
  };
  const ask = (n, ahead) => {
    if (!kept.has(n)) {
      const url = address(n);
      url.pathname = player.dataset.part;
      if (ahead) url.searchParams.set("ahead", "1");
      kept.set(
        n,
        fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin" })
          .then(async (answer) => {
            if (answer.status === 401) location.reload();
            if (!answer.ok) throw new Error(String(answer.status));
            return new DOMParser().parseFromString(await answer.text(), "text/html").body;
          })
          .catch(() => {
            kept.delete(n);
            return null;
          }),
      );
      if (kept.size > 60) kept.delete(kept.keys().next().value);
    }
    return kept.get(n);
  };
  const mark = (n) => {
    for (const old of player.querySelectorAll('[aria-current="step"]')) old.removeAttribute("aria-current");
    const row = rows.get(n);
    if (row) {
      row.setAttribute("aria-current", "step");
      const list = row.closest(".steplist");
      const top = row.offsetTop;
      if (top < list.scrollTop + 40 || top > list.scrollTop + list.clientHeight - 60) list.scrollTop = top - list.clientHeight / 2;
    }
    for (const old of player.querySelectorAll(".track rect.on")) old.classList.remove("on");
    for (const block of blocks) if (block.first <= n && n <= block.last) block.rect.classList.add("on");
    where.textContent = "step " + n + " of " + total.toLocaleString("en");
    document.getElementById("prev").href = address(clamp(n - 1));
    document.getElementById("next").href = address(clamp(n + 1));
  };
  const ordered = [...player.querySelectorAll(".track a")].map((a) => ({
    first: Number(a.dataset.go),
    last: Number(a.dataset.last),
    rect: a.querySelector("rect"),
  }));
  const blocks = ordered.sort((a, b) => a.last - b.last);
  blocks.forEach((block, i) => (block.first = i ? blocks[i - 1].last + 1 : 1));

  const go = async (n, push = true) => {
    n = wanted = clamp(n);
    if (n === at) return;
    const slow = setTimeout(() => stage.setAttribute("aria-busy", "true"), 100);
    const body = await ask(n, false);
    clearTimeout(slow);
    if (wanted !== n) return;
    stage.removeAttribute("aria-busy");
    if (!body) return void (location.href = address(n));
    at = n;
    const fresh = body.cloneNode(true);
    stage.replaceChildren(...fresh.childNodes);
    dispatchEvent(new CustomEvent("times"));
    mark(n);
    if (push) history.pushState({ step: n }, "", address(n));
    player.dataset.at = n;
    for (const near of [n + 1, n - 1, n + 2]) if (near >= 1 && near <= total) ask(near, true);
  };

  /* jumps */
  const find = (from, step, holds) => {
    for (let n = from + step; n >= 1 && n <= total; n += step) {
      const row = rows.get(n);
      if (row && holds(row)) return n;
    }
    return 0;
  };
  const lane = (step) => {
    const mine = Number(rows.get(at)?.dataset.lane ?? 0);
    const others = [...rows.entries()].filter(([, r]) => Number(r.dataset.lane) === mine + step).map(([n]) => n);
    return others.reduce((best, n) => (Math.abs(n - at) < Math.abs(best - at) ? n : best), others[0] || 0);
  };
  const section = (id) => {
    const target = document.getElementById(id);
    if (!target) return;
    target.scrollIntoView({ block: "nearest" });
    target.focus({ preventScroll: true });
  };

  /* playing */
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
    play.setAttribute("aria-pressed", "false");
    play.querySelector("span").textContent = "Play";
  };
  const tick = () => {
    if (at >= total) return stop();
    const ms = Number(rows.get(at)?.dataset.ms ?? 1000);
    const wait = pace.value === "fixed" ? 1000 : Math.min(5000, Math.max(60, ms / Number(pace.value)));
    timer = setTimeout(async () => {
      await go(at + 1, false);
      history.replaceState({ step: at }, "", address(at));
      if (timer) tick();
    }, wait);
  };
  const toggle = async () => {
    if (timer) return stop();
    if (at >= total) await go(1);
    play.setAttribute("aria-pressed", "true");
    play.querySelector("span").textContent = "Pause";
    tick();
  };
  play.addEventListener("click", toggle);
  pace.addEventListener("change", () => {
    if (timer) stop(), toggle();
  });

  player.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = event.target.closest("[data-go], #prev, #next");
    if (!link) return;
    event.preventDefault();
    if (timer) stop();
    go(link.id === "prev" ? at - 1 : link.id === "next" ? at + 1 : Number(link.dataset.go));
  });
  addEventListener("popstate", () => go(Number(new URL(location.href).searchParams.get("step")) || 1, false));
  /* the same switch as on every page (app.js); what is no letter moves the player only where it means the player */
  const lettersOff = () => { try { return localStorage.getItem("tracetape-keys-off") === "1"; } catch { return false; } };
  const isMine = (key, target) => {
    if (key.length === 1 && key !== " ") return !lettersOff();
    const reading = stage.contains(target);
    if (reading && /^(ArrowUp|ArrowDown|Home|End| )$/.test(key)) return false; // a long text scrolls
    if (reading && target.scrollWidth > target.clientWidth) return false; // and a wide one sidewards
    if (!player.contains(target) && target !== document.body) return false;
    return (key !== "ArrowDown" || lane(1) > 0) && (key !== "ArrowUp" || lane(-1) > 0);
  };
  addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || event.ctrlKey || document.querySelector("dialog[open]")) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const keys = {
      ArrowRight: () => go(event.shiftKey ? find(at, 1, (r) => r.dataset.kind === "model") || at : at + 1),
      ArrowLeft: () => go(event.shiftKey ? find(at, -1, (r) => r.dataset.kind === "model") || at : at - 1),
      ArrowDown: () => go(lane(1)),
      ArrowUp: () => go(lane(-1)),
      Home: () => go(1),
      End: () => go(total),
      e: () => go(find(at, 1, (r) => "bad" in r.dataset) || at),
      t: () => go(find(at, 1, (r) => r.dataset.kind === "tool") || at),
      a: () => section("asked"),
      r: () => section("answered"),
      c: () => section("changed"),
      y: () => stage.querySelector("[data-text]")?.click(),
      "?": () => (player.querySelector(".controls details.menu").open ^= true),
      " ": () => (event.target.matches("a, button, summary") && event.target !== play ? null : (toggle(), 1)),
    };
    const act = keys[event.key];
    if (!act || !isMine(event.key, event.target)) return;
    if (event.key === " " && event.target.matches("button, summary")) return;
    event.preventDefault();
    event.stopPropagation(); // these keys mean something else on the other tabs
    if (timer && event.key !== " ") stop();
    act();
  }, true);

  mark(at);
  player.dataset.at = at;
  for (const near of [at + 1, at - 1]) if (near >= 1 && near <= total) ask(near, true);
})();
