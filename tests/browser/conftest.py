# SPDX-License-Identifier: Apache-2.0
"""A site of a test's own and a browser that looks at it."""
import os
import pathlib
import shutil
import sys
import tempfile

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/blackbox"))
from harness.server import Berth  # noqa: E402  (the servers of the tests from outside)

SCREENSHOTS = ROOT / "build-test/screenshots"
# The last ones keep chromium from calling its makers.
ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)


@pytest.fixture
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="berth-browser-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def new_site(folder):
    """Makes and starts servers; people are added by the test."""
    sites = []

    def make(**settings):
        binary = os.environ.get("BERTH_TEST_BINARY_CHECKED") or ROOT / "build-asan/src/berth"
        home = folder / f"site-{len(sites)}"
        home.mkdir()
        sites.append(Berth(binary, home, settings).start())
        return sites[-1]

    yield make
    for site in sites:
        site.stop()


class Window:
    """A browser window with the few verbs that the tests need."""

    def __init__(self, folder, width, height, dark, javascript):
        options = webdriver.ChromeOptions()
        for argument in ARGUMENTS:
            options.add_argument(argument)
        options.add_argument(f"--user-data-dir={folder}/chromium")
        options.add_argument(f"--window-size={width},{height}")
        if dark:
            options.add_argument("--blink-settings=preferredColorScheme=0")
        if not javascript:
            options.add_experimental_option(
                "prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = "/usr/bin/chromium"
        self.driver = webdriver.Chrome(
            service=Service("/usr/bin/chromedriver", log_path=f"{folder}/chromedriver.log"),
            options=options)
        self.driver.set_page_load_timeout(30)
        if width < 500:  # chromium's own window cannot be narrower
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": height, "deviceScaleFactor": 2, "mobile": True})

    def open(self, address):
        self.driver.get(address)
        return self

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def count(self, selector):
        return len(self.driver.find_elements("css selector", selector))

    def text(self):
        return self.find("body").text

    def screenshot(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    def complaints(self):
        """What the browser's console holds: blocked content, missing files, script errors."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] in ("SEVERE", "WARNING")]

    def is_wider_than_the_screen(self):
        return self.driver.execute_script(
            "return document.documentElement.scrollWidth > document.documentElement.clientWidth")


@pytest.fixture
def new_window(folder):
    windows = []

    def make(width=1200, height=800, dark=False, javascript=True):
        home = folder / f"window-{len(windows)}"
        home.mkdir()
        windows.append(Window(home, width, height, dark, javascript))
        return windows[-1]

    yield make
    for window in windows:
        window.driver.quit()
