"""A visit to pages that lie on the disk, with all that must not happen there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Route,
    sync_playwright,
)

from browser.chromium import OPTIONS, require_browser

LOCAL = ("file:", "data:", "blob:", "about:")
SECONDS = 30  # for what a browser does, on a busy machine
# Runs before the scripts of a page, whatever its policy says.
_LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.refused.push(`${event.violatedDirective} refuses ${event.blockedURI} ${event.sample}`));
"""
_AXE_OPTIONS = {"resultTypes": ["violations"]}
_GRAVE = ("serious", "critical")
# What would run if the policy did not refuse it: some of this is refused only once it is used.
_INLINE = """() => [...document.querySelectorAll("*")].flatMap((element) =>
  [...element.attributes].filter((one) => one.name.startsWith("on") || one.name === "style"
    || (["href", "src", "action", "formaction", "data"].includes(one.localName)
      && one.value.trim().toLowerCase().startsWith("javascript:")))
    .map((one) => `${element.tagName} has ${one.name}="${one.value.slice(0, 80)}"`))"""
_TOO_WIDE = """() => {
  scrollTo(100000, 0);
  if (scrollX === 0) return [];
  const width = document.documentElement.clientWidth + scrollX;
  scrollTo(0, 0);
  const clips = (element) => {
    const is = getComputedStyle(element);
    const above = is.position === "absolute" ? element.offsetParent : element.parentElement;
    if (!above || above === document.documentElement) return false;
    return getComputedStyle(above).overflowX !== "visible" || clips(above);
  };
  const end = (element) => {
    const box = element.getBoundingClientRect();
    return getComputedStyle(element).overflowX === "visible"
      ? box.left + element.scrollWidth : box.right;
  };
  const wide = [...document.body.querySelectorAll("*")].filter((element) =>
    end(element) > innerWidth + 1 && !clips(element));
  return [`the page is ${width} pixels wide`,
    ...wide.slice(-5).map((e) => `${e.tagName} ${e.className}: ${e.textContent.slice(0, 40)}`)];
}"""
_PLAY = """async (video) => {
  const soon = (what) => new Promise((done) => setTimeout(() => done(what), 20000));
  const error = () => (video.error ? video.error.message : "");
  video.loop = false;
  try {
    await Promise.race([video.play(), soon("late")]);
    await Promise.race([soon("late"), new Promise((done) => {
      const look = () => (video.currentTime > 0.4 || video.ended || video.error
        ? done() : setTimeout(look, 20));
      look();
    })]);
  } catch (failure) {
    return {error: String(failure)};
  }
  return {
    error: error(), time: video.currentTime, seconds: video.duration,
    width: video.videoWidth, height: video.videoHeight,
    pictures: video.getVideoPlaybackQuality().totalVideoFrames,
    sound: video.webkitAudioDecodedByteCount,
  };
}"""


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start a browser without a window; skip or fail like `require_browser`.

    While it runs, nothing else of the process can use asyncio.
    """
    path = require_browser()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=[*OPTIONS])
        yield started
        started.close()


@dataclass
class Visit:
    """One window. `problems` are what a page of the site must not cause."""

    context: BrowserContext
    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, browser: Browser, width: int = 1280, height: int = 900, **options: Any) -> Visit:
        """Open a window; `options` are those of `Browser.new_context`."""
        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, offline=True, **options)
        context.set_default_timeout(SECONDS * 1000)
        context.add_init_script(_LISTEN)
        visit = cls(context, context.new_page())
        context.route("**/*", visit._route)
        context.on("request", visit._note_request)
        context.on("console", visit._note_message)
        context.on("weberror", lambda error: visit.said.append(f"error: {error.error}"))
        return visit

    def open(self, path: Path | str) -> None:
        """Open a file, or an address with a part behind #."""
        address = path.resolve().as_uri() if isinstance(path, Path) else path
        self.page.goto(address, wait_until="load")

    def close(self) -> None:
        """Close the window."""
        self.context.close()

    def problems(self) -> list[str]:
        """Errors and warnings of the console, refusals of the policy, and use of a network."""
        asked = [f"a request: {address}" for address in self.asked]
        refused = self.page.evaluate("window.refused")
        return [*self.said, *refused, *asked, *self.page.evaluate(_INLINE)]

    # --- checks -----------------------------------------------------------------------------------

    def barriers(self) -> list[str]:
        """What keeps people out, as far as axe finds it: its serious and critical violations."""
        self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate("(options) => axe.run(document, options)", _AXE_OPTIONS)
        return [
            f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:200]}"
            for one in found["violations"]
            if one["impact"] in _GRAVE
            for node in one["nodes"]
        ]

    def too_wide(self) -> list[str]:
        """What makes a page scroll to the side."""
        return self.page.evaluate(_TOO_WIDE)

    def play(self, selector: str = "video") -> dict[str, Any]:
        """Play a video for a moment; says how it went."""
        return self.page.locator(selector).first.evaluate(_PLAY)

    def is_shown(self, selector: str) -> bool:
        """Whether any element of a selector can be seen."""
        return any(one.is_visible() for one in self.page.locator(selector).all())

    # --- what happens -----------------------------------------------------------------------------

    def _route(self, route: Route) -> None:
        if route.request.url.startswith(LOCAL):
            route.continue_()
        else:
            route.abort()

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith(LOCAL):
            self.asked.append(request.url)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.said.append(f"{message.type}: {message.text}")
