"use strict";
for (const section of document.querySelectorAll("[data-weeks]")) {
  const select = section.querySelector("select");
  const panels = [...section.querySelectorAll(".panel")];
  const buttons = [...section.querySelectorAll(".weeks button")];
  const show = (team) => {
    for (const panel of panels) panel.hidden = panel.dataset.team !== team;
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.team === team));
    select.value = team;
  };
  select.addEventListener("change", () => show(select.value));
  for (const button of buttons) button.addEventListener("click", () => show(button.dataset.team));
  for (const panel of panels) {
    const svg = panel.querySelector("svg");
    const reading = panel.querySelector("output");
    const weeks = [...panel.querySelectorAll("tbody tr")].map((row) => ({ ...row.dataset }));
    const [cursor, real, expected] = [".cursor", ".mark.of-real", ".mark.of-expected"].map((one) => svg.querySelector(one));
    let at = weeks.length - 1;
    const point = (index) => {
      at = Math.max(0, Math.min(weeks.length - 1, index));
      const week = weeks[at];
      cursor.setAttribute("x1", week.x);
      cursor.setAttribute("x2", week.x);
      for (const [mark, y] of [[real, week.real], [expected, week.expected]]) {
        mark.setAttribute("cx", week.x);
        mark.setAttribute("cy", y);
        mark.style.visibility = "visible";
      }
      cursor.style.visibility = "visible";
      reading.textContent = week.reading;
    };
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      const distance = (week) => Math.abs(Number(week.x) - x);
      point(weeks.reduce((best, week, index) => (distance(week) < distance(weeks[best]) ? index : best), 0));
    });
    svg.addEventListener("focus", () => point(at));
    svg.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: weeks.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      point(to);
    });
  }
}
for (const table of document.querySelectorAll("table.league")) {
  const heads = [...table.querySelectorAll("th[data-column]")];
  for (const head of heads) {
    head.querySelector("button").addEventListener("click", () => {
      const first = head.dataset.first;
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      for (const one of heads) one.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const value = (row) => row.children[head.dataset.column].dataset.value;
      const body = table.tBodies[0];
      const sign = order === "ascending" ? 1 : -1;
      const compare = (a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x === "" || y === "") return (x === "") - (y === "");
        return sign * (head.dataset.column === "1" ? x.localeCompare(y) : Number(x) - Number(y));
      };
      body.append(...[...body.rows].sort(compare));
    });
  }
}
