// Runs in a page around the report, which is in a frame: the report itself stays as it is written.
const light = c => { c = c / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
const frame = document.querySelector("iframe");
const later = () => new Promise(resolve => setTimeout(resolve, 50));
let page, view;

function behind(element) {
  for (; element; element = element.parentElement) {
    const colour = numbers(view.getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  throw Error("nothing is behind the text");
}

// Every piece of text that can be seen: its element, its words and the box they take.
function texts() {
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || !element.checkVisibility() || element.tagName === "SCRIPT") continue;
    const range = page.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects())
      if (box.width > 1) found.push({element, words: node.data.trim().slice(0, 40), box});
  }
  return found;
}

function layout() {
  const seen = texts(), width = view.innerWidth;
  const overlapping = [];
  seen.forEach((one, place) => {
    for (const other of seen.slice(place + 1)) {
      const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
      const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
      if (wide > 2 && high > 6) overlapping.push([one.words, other.words]);
    }
  });
  const clipped = [...page.body.querySelectorAll("*")].filter(element => {
    const style = view.getComputedStyle(element);
    return element.checkVisibility() && style.overflowX !== "visible" && element.clientWidth
      && (element.scrollWidth > element.clientWidth + 1
          || element.scrollHeight > element.clientHeight + 1);
  });
  const contrast = seen.map(({element, words}) => {
    const colours = [numbers(view.getComputedStyle(element).color), behind(element)];
    const [low, high] = colours.map(luminance).sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), words];
  });
  const outside = seen.filter(({box}) => box.left < 0 || box.right > width + 1);
  return {
    width, scroll: page.documentElement.scrollWidth, texts: seen.length,
    outside: outside.map(({words}) => words), overlapping,
    clipped: clipped.map(element => `${element.className}: ${element.textContent.trim().slice(0, 40)}`),
    contrast: contrast.sort(([a], [b]) => a - b)[0],
    small: Math.min(...seen.map(({element}) => parseFloat(view.getComputedStyle(element).fontSize))),
    broken: [...page.images].filter(image => image.checkVisibility() && !image.naturalWidth).length,
  };
}

const folds = () => [...page.querySelectorAll("details.fold")];
const bottom = selector => page.querySelector(selector).getBoundingClientRect().bottom;
const checks = {
  async folded() {
    return {...layout(), headline: bottom("#headline"), table: bottom("#results tbody tr"),
            roc: bottom("#results img"), dark: view.matchMedia("(prefers-color-scheme: dark)").matches,
            height: page.documentElement.scrollHeight};
  },
  async open() {
    for (const each of page.querySelectorAll("details")) each.open = true;
    await later();
    for (const image of page.images) image.loading = "eager";
    await later();
    return layout();
  },
  async folds() {
    const states = [];
    for (const fold of folds()) {
      const inside = fold.querySelector(".inside"), seen = () => inside.checkVisibility();
      const before = seen();
      fold.querySelector("summary").click();
      await later();
      const opened = seen();
      fold.querySelector("summary").click();
      await later();
      states.push([before, opened, seen()]);
    }
    return states;
  },
  async links() {
    const reached = {};
    for (const link of page.querySelectorAll("a[href]")) {
      for (const fold of folds()) fold.open = fold.contains(link);
      link.click();
      await later();
      const target = page.getElementById(link.getAttribute("href").slice(1));
      const {top} = target?.getBoundingClientRect() ?? {};
      reached[link.getAttribute("href")] =
        Boolean(target?.checkVisibility() && top >= -1 && top < view.innerHeight);
    }
    return reached;
  },
  async search() {
    for (const fold of folds()) fold.open = true;
    const box = page.querySelector("[data-table=all-predictions]");
    const shown = () => [...page.getElementById("all-predictions").tBodies[0].rows]
      .filter(row => row.checkVisibility()).map(row => row.cells[0].textContent);
    const all = shown();
    box.value = "p3";
    box.dispatchEvent(new view.Event("input"));
    return {box: box.checkVisibility(), all, found: shown(),
            told: box.closest(".filter").querySelector("output").value};
  },
  async runs() {
    const shown = () => [...page.getElementById("sides").rows]
      .filter(row => row.checkVisibility())
      .map(row => [...row.cells].filter(cell => cell.checkVisibility()).map(cell => cell.innerText.trim()));
    const before = shown(), [, second] = page.querySelectorAll(".choice select");
    second.selectedIndex = 2;
    second.dispatchEvent(new view.Event("change"));
    return {before, after: shown()};
  },
  async enlarge() {
    const image = page.querySelector("#results img"), small = image.getBoundingClientRect();
    image.click();
    await later();
    const large = image.getBoundingClientRect();
    page.dispatchEvent(new view.KeyboardEvent("keydown", {key: "Escape", bubbles: true}));
    await later();
    return {small: small.width, large: [large.width, large.height],
            window: [view.innerWidth, view.innerHeight], after: image.getBoundingClientRect().width};
  },
};
frame.addEventListener("load", async () => {
  [page, view] = [frame.contentDocument, frame.contentWindow];
  try {
    document.title = JSON.stringify(await checks[frame.dataset.check]());
  } catch (error) {
    document.title = JSON.stringify({error: String(error.stack)});
  }
});
