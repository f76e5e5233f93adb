// The map of the package: reads the packed tree, lays it out with d3-hierarchy, and follows clicks, keys and the search.
// Names come from the package and may hold anything: they are only ever set as text, never as markup.
(() => {
  "use strict";
  const find = (id) => document.getElementById(id);
  const ROWS = 12;
  const state = { here: 0, chosen: 0, size: "before", hidden: new Set(), term: "", rows: ROWS, focus: false };
  let tree;

  // -- reading ------------------------------------------------------------------------------------------------------

  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  // Node 0 is the whole package; node i + 1 is row i of the columns.
  function grown(data) {
    const count = data.names.length + 1;
    const tree = { data, count, parent: new Int32Array(count), children: [[]], names: ["the package", ...data.names] };
    tree.fate = [-1, ...data.fate];
    tree.own = { before: [0, ...data.before], after: [0, ...data.after] };
    const open = [0];
    for (let node = 1; node < count; node++) {
      const depth = data.depths[node - 1];
      open.length = depth + 1;
      tree.parent[node] = open[depth];
      tree.children.push([]);
      tree.children[open[depth]].push(node);
      open.push(node);
    }
    tree.shares = { before: summed(tree, tree.own.before), after: summed(tree, tree.own.after) };
    tree.files = summed(tree, [0, ...data.fate.map((fate, row) => (fate < 0 ? 0 : data.files[row] || 1))]);
    return tree;
  }

  // For each fate the sum of what lies in each node.
  function summed(tree, values) {
    const sums = tree.data.fates.map(() => new Float64Array(tree.count));
    for (let node = tree.count - 1; node > 0; node--) {
      if (tree.fate[node] >= 0) sums[tree.fate[node]][node] += values[node];
      for (const sum of sums) sum[tree.parent[node]] += sum[node];
    }
    return sums;
  }

  const total = (sums, node) => sums.reduce((sum, each) => sum + each[node], 0);
  const shown = () => tree.data.fates.map((_, fate) => fate).filter((fate) => !state.hidden.has(fate));
  const weight = (node) => shown().reduce((sum, fate) => sum + tree.shares[state.size][fate][node], 0);
  const isFile = (node) => tree.fate[node] >= 0;
  const text = (column, node) => tree.data.texts[tree.data[column][node - 1]];

  function way(node) {
    const nodes = [];
    for (let one = node; one > 0; one = tree.parent[one]) nodes.unshift(one);
    return nodes;
  }
  const address = (node) => way(node).map((one) => encodeURIComponent(wellFormed(tree.names[one]))).join("/");
  const path = (node) => way(node).slice(1).map((one) => tree.names[one]).join("/");
  // Bytes of a name that are not UTF-8 come as lone surrogates: they are shown as one sign.
  const wellFormed = (name) => name.replace(/\p{Surrogate}/gu, "\uFFFD");

  function at(hash) {
    let node = 0;
    for (const name of hash.replace(/^#/, "").split("/").filter(Boolean)) {
      const next = tree.children[node].find((child) => encodeURIComponent(wellFormed(tree.names[child])) === name);
      if (next === undefined) break;
      node = next;
    }
    return node;
  }

  // -- words --------------------------------------------------------------------------------------------------------

  function amount(bytes) {
    if (bytes >= 99950) return `${(bytes / 1e6).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} MB`;
    return bytes >= 1000 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} bytes`;
  }
  const counted = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
  const label = (node) => wellFormed(tree.names[node]);

  // A rule in the manner of .gitignore that means just this path; what no line can hold becomes "?", which means any sign.
  function rule(node) {
    const escaped = path(node).replace(/[\\*?[\]!#]/g, "\\$&").replace(/ $/, "\\ ").replace(/[\p{Cc}\p{Surrogate}]/gu, "?");
    return `/${escaped}${isFile(node) ? "" : "/"}`;
  }
  const quoted = (word) => `'${word.replace(/'/g, "'\\''")}'`;

  function rules(node) {
    const several = way(node).length === 1 ? tree.children[node] : [node];
    return several.filter((one) => total(left(), one) > 0 && !tree.data.files[one - 1]).map(rule);
  }
  // The files that are not in the slim package, by fate.
  const left = () => ["dropped", "guarded"].map((name) => tree.files[tree.data.fates.indexOf(name)]);

  // -- parts of the page --------------------------------------------------------------------------------------------

  function made(kind, properties = {}, ...children) {
    const element = document.createElement(kind);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function shares(node) {
    const bar = made("span", { className: "shares" });
    const sums = tree.shares[state.size];
    const all = total(sums, node) || 1;
    tree.data.fates.forEach((fate, number) => {
      if (!sums[number][node]) return;
      const part = made("i", { className: `f-${fate}`, title: `${fate}: ${amount(sums[number][node])}` });
      part.style.width = `${(100 * sums[number][node]) / all}%`;
      bar.append(part);
    });
    return bar;
  }

  function copyable(words) {
    const button = made("button", { type: "button", textContent: "Copy" });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(words);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(button.previousSibling);
        button.textContent = "Selected";
      }
    });
    return made("div", { className: "copy" }, made("code", { textContent: words }), button);
  }

  function fact(list, name, ...value) {
    list.append(made("dt", { textContent: name }), made("dd", {}, ...value));
  }

  function drawSide() {
    const node = state.chosen;
    const facts = made("dl");
    const children = [made("h3", { textContent: node ? label(node) : "The whole package" })];
    if (node && path(node)) children.push(made("p", { className: "path quiet", textContent: wellFormed(path(node)) }));
    fact(facts, "full", amount(total(tree.shares.before, node)));
    fact(facts, "slim", amount(total(tree.shares.after, node)));
    if (isFile(node)) {
      fact(facts, "fate", made("span", { className: `swatch f-${tree.data.fates[tree.fate[node]]}` }), ` ${tree.data.fates[tree.fate[node]]}`);
      fact(facts, "reason", text("reason", node));
      if (text("because", node)) fact(facts, "evidence", wellFormed(text("because", node)));
    } else {
      tree.data.fates.forEach((fate, number) => {
        const files = tree.files[number][node];
        if (files) fact(facts, fate, made("span", { className: `swatch f-${fate}` }), ` ${counted(files, "file")}`);
      });
    }
    children.push(facts, ...keeping(node));
    find("side").replaceChildren(...children);
  }

  function keeping(node) {
    const found = node && total(left(), node) ? rules(node).slice(0, 6) : [];
    if (!found.length) return [];
    return [
      made("h3", { textContent: "Keep this" }),
      made("p", { className: "quiet", textContent: "Once, by the command:" }),
      copyable([document.body.dataset.again, ...found.map((one) => `--keep ${quoted(one)}`)].join(" \\\n  ")),
      made("p", { className: "quiet", textContent: "Always, by a setting in ldeploy.toml:" }),
      copyable(`keep = [${found.map((one) => JSON.stringify(one)).join(", ")}]`),
    ];
  }

  function drawCrumbs() {
    const nodes = [0, ...way(state.here)];
    const parts = nodes.flatMap((node, number) => {
      const last = number === nodes.length - 1;
      const name = node ? label(node) : "the package";
      const crumb = last ? made("strong", { textContent: name }) : made("button", { type: "button", textContent: name });
      if (last) crumb.setAttribute("aria-current", "location");
      else crumb.addEventListener("click", () => go(node));
      return number ? [made("span", { textContent: "›", ariaHidden: "true" }), crumb] : [crumb];
    });
    find("crumbs").replaceChildren(...parts);
  }

  // -- the map ------------------------------------------------------------------------------------------------------

  // What is drawn of a node: children that would be too small to see become one cell, single folders are passed through.
  function pruned(node, depth, smallest) {
    let one = node, name = label(node);
    while (depth && !isFile(one) && tree.children[one].length === 1) {
      one = tree.children[one][0];
      name += `/${label(one)}`;
    }
    const drawn = { node: one, name, weight: weight(one) };
    if (isFile(one) || depth === 3 || drawn.weight < 12 * smallest) return drawn;
    const children = tree.children[one].map((child) => [child, weight(child)]).filter(([, heavy]) => heavy > 0);
    children.sort((a, b) => b[1] - a[1]);
    const seen = children.filter(([, heavy]) => heavy >= smallest);
    const rest = children.slice(seen.length);
    drawn.children = seen.map(([child]) => pruned(child, depth + 1, smallest));
    const restWeight = rest.reduce((sum, [, heavy]) => sum + heavy, 0);
    if (restWeight) drawn.children.push({ node: one, more: rest.map(([child]) => child), name: `${rest.length.toLocaleString("en")} more`, weight: restWeight });
    if (!drawn.children.length) delete drawn.children;
    return drawn;
  }

  function drawMap() {
    const map = find("map");
    const { clientWidth: width, clientHeight: height } = map;
    const smallest = (weight(state.here) * 260) / Math.max(1, width * height);
    const root = d3.hierarchy(pruned(state.here, 0, smallest)).sum((one) => (one.children ? 0 : one.weight));
    root.sort((a, b) => b.value - a.value);
    d3.treemap().size([width, height]).round(true).paddingInner(2).paddingOuter((one) => (one.depth ? 3 : 0))
      .paddingTop((one) => (one.depth && one.children ? 20 : 0))(root);
    const matching = matches();
    const cells = root.descendants().slice(1).map((one) => cell(one, width, height, matching));
    map.replaceChildren(...cells);
    if (!cells.length) map.append(made("p", { className: "quiet", textContent: "Nothing here has any weight in this view." }));
    else (map.querySelector(".chosen") || cells[0]).tabIndex = 0;
  }

  function cell(one, width, height, matching) {
    const { node, name, more } = one.data;
    const wide = one.x1 - one.x0, high = one.y1 - one.y0;
    const element = made("button", { type: "button", className: "cell", tabIndex: -1 });
    element.style.cssText = `left:${(100 * one.x0) / width}%;top:${(100 * one.y0) / height}%;width:${(100 * wide) / width}%;height:${(100 * high) / height}%`;
    const fate = isFile(node) ? tree.data.fates[tree.fate[node]] : "";
    const what = more ? "small files and folders" : fate || "folder";
    element.setAttribute("aria-label", `${name}, ${what}, ${amount(one.value)}`);
    element.title = `${name}\n${what}, ${amount(one.value)}`;
    if (one.children) element.classList.add("open");
    else if (fate) element.classList.add(`f-${fate}`);
    else mixed(element, more || [node]);
    if (wide > 34 && high > 15) element.append(made("b", { textContent: name }));
    if (wide > 60 && high > 44 && !one.children) element.append(made("small", { textContent: amount(one.value) }));
    if (matching && !(more || [node]).some((each) => matching[each])) element.classList.add("faint");
    if (node === state.chosen && node !== state.here && !more) element.classList.add("chosen");
    element.addEventListener("click", (event) => {
      const byKey = event.detail === 0;
      if (more && node === state.here) find("list-title").scrollIntoView({ behavior: "smooth" });
      else go(node, byKey);
    });
    return element;
  }

  function mixed(element, nodes) {
    const sums = tree.shares[state.size];
    const parts = shown().map((fate) => [fate, nodes.reduce((sum, node) => sum + sums[fate][node], 0)]).filter(([, sum]) => sum);
    const all = parts.reduce((sum, [, part]) => sum + part, 0) || 1;
    let start = 0;
    for (const [fate, part] of parts) {
      const slice = made("i", { className: `f-${tree.data.fates[fate]}` });
      slice.style.cssText = `left:${(100 * start) / all}%;width:${(100 * part) / all}%`;
      element.append(slice);
      start += part;
    }
  }

  function move(event) {
    const cells = [...find("map").querySelectorAll(".cell")];
    const now = cells.indexOf(document.activeElement);
    if (event.key === "Escape" || event.key === "Backspace") go(tree.parent[state.here], true);
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (now < 0 || !step) return;
    event.preventDefault();
    const middle = (one) => [one.offsetLeft + one.offsetWidth / 2, one.offsetTop + (one.classList.contains("open") ? 10 : one.offsetHeight / 2)];
    const from = middle(cells[now]);
    let best = null, least = Infinity;
    for (const one of cells) {
      const [x, y] = middle(one);
      const along = (x - from[0]) * step[0] + (y - from[1]) * step[1];
      const aside = Math.abs((x - from[0]) * step[1]) + Math.abs((y - from[1]) * step[0]);
      if (along > 1 && along + 2 * aside < least) [best, least] = [one, along + 2 * aside];
    }
    if (!best) return;
    cells[now].tabIndex = -1;
    best.tabIndex = 0;
    best.focus();
  }

  // -- the list, and the search -------------------------------------------------------------------------------------

  // For each node whether it, or something in it, has the term in its path; null without a term.
  function matches() {
    const term = state.term.trim().toLowerCase();
    if (!term) return null;
    const found = new Uint8Array(tree.count);
    const paths = ["", ...tree.names.slice(1)].map((name) => name.toLowerCase());
    for (let node = 1; node < tree.count; node++) {
      const above = paths[tree.parent[node]];
      paths[node] = above ? `${above}/${paths[node]}` : paths[node];
      if (paths[node].includes(term)) found[node] = isFile(node) ? 1 : 2;
    }
    for (let node = tree.count - 1; node > 0; node--) if (found[node]) found[tree.parent[node]] ||= 2;
    return found;
  }

  function drawList() {
    const matching = matches();
    const all = matching ? tree.names.map((_, node) => node).filter((node) => matching[node] === 1) : tree.children[state.here];
    const nodes = [...all].sort((a, b) => weight(b) - weight(a)).slice(0, state.rows);
    find("list-title").textContent = matching ? `${counted(all.length, "file")} with “${state.term.trim()}”` : "In this folder";
    const rows = nodes.map((node) => {
      const link = made("button", { type: "button", className: "link", textContent: matching ? wellFormed(path(node)) : label(node) + (isFile(node) ? "" : "/") });
      link.addEventListener("click", () => go(node));
      const fate = isFile(node) ? tree.data.fates[tree.fate[node]] : counted(total(tree.files, node), "file");
      return made("tr", {},
        made("td", {}, link), made("td", { textContent: fate }),
        made("td", { className: "n", textContent: amount(total(tree.shares.before, node)) }),
        made("td", { className: "n", textContent: amount(total(tree.shares.after, node)) }),
        made("td", { className: "bar" }, shares(node)));
    });
    find("rows").replaceChildren(...rows);
    const more = find("list-more");
    more.hidden = all.length <= nodes.length;
    more.textContent = `Show more (${(all.length - nodes.length).toLocaleString("en")} left)`;
  }

  // -- what the user does -------------------------------------------------------------------------------------------

  function go(node, focus = false) {
    state.focus = focus;
    location.hash = `#${address(node)}`;
    follow();  // at once: the browser tells of the new address a moment later
  }

  function follow() {
    state.rows = ROWS;
    state.chosen = at(location.hash);
    state.here = isFile(state.chosen) ? tree.parent[state.chosen] : state.chosen;
    draw();
  }

  function draw() {
    drawCrumbs();
    drawMap();
    drawSide();
    drawList();
    if (state.focus) find("map").querySelector("[tabindex='0']")?.focus();
    state.focus = false;
  }

  function legend() {
    tree.data.fates.forEach((fate, number) => {
      const files = tree.files[number][0];
      if (!files) return;
      const sum = Math.max(tree.shares.before[number][0], tree.shares.after[number][0]);
      const button = made("button", { type: "button" }, made("span", { className: `swatch f-${fate}` }), `${fate}: ${counted(files, "file")}, ${amount(sum)}`);
      button.setAttribute("aria-pressed", "true");
      button.addEventListener("click", () => {
        if (!state.hidden.delete(number)) state.hidden.add(number);
        button.setAttribute("aria-pressed", String(!state.hidden.has(number)));
        draw();
      });
      find("legend").append(button);
    });
  }

  function listen() {
    for (const button of document.querySelectorAll("[data-size]")) {
      button.addEventListener("click", () => {
        state.size = button.dataset.size;
        for (const each of document.querySelectorAll("[data-size]")) each.setAttribute("aria-pressed", String(each === button));
        draw();
      });
    }
    find("search").addEventListener("input", (event) => {
      state.term = event.target.value;
      state.rows = ROWS;
      drawMap();
      drawList();
    });
    find("list-more").addEventListener("click", () => {
      state.rows += 100;
      drawList();
    });
    find("map").addEventListener("keydown", move);
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && document.activeElement !== find("search")) {
        event.preventDefault();
        find("search").focus();
      }
    });
    addEventListener("hashchange", () => {
      if (at(location.hash) !== state.chosen) follow();
    });
    let width = find("map").clientWidth;
    new ResizeObserver(() => {
      if (find("map").clientWidth === width) return;
      width = find("map").clientWidth;
      drawMap();
    }).observe(find("map"));
  }

  function theme() {
    const button = find("theme");
    button.hidden = false;
    button.addEventListener("click", () => {
      const dark = getComputedStyle(document.documentElement).getPropertyValue("--ground").trim() === "#10151b";
      document.documentElement.dataset.theme = dark ? "light" : "dark";
    });
  }

  async function begin() {
    theme();
    const packed = find("tree").textContent.trim();
    if (!packed) return;
    try {
      tree = grown(await unpacked(packed));
    } catch (error) {
      find("broken").hidden = false;
      throw error;
    }
    find("package").hidden = false;
    legend();
    listen();
    follow();
    document.documentElement.dataset.drawn = String(Math.round(performance.now()));
  }

  begin();
})();
