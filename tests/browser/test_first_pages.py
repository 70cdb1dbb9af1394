# SPDX-License-Identifier: Apache-2.0
"""Start page, first administrator and sign-up, as a person meets them."""
import re

import pytest
from selenium.webdriver.common.keys import Keys

from harness.registry import call


def type_account(window, name, password="correct horse battery"):
    """By keyboard alone: the first field has the focus, Tab leads through, Enter sends."""
    field = window.driver.switch_to.active_element
    field.send_keys(name, Keys.TAB)
    window.driver.switch_to.active_element.send_keys(f"{name}@example.org", Keys.TAB)
    window.driver.switch_to.active_element.send_keys(password, Keys.ENTER)


def setup_link(site):
    return re.search(r"http://\S+/setup\?code=\w+", site.log_text()).group(0)


@pytest.mark.parametrize("look, options", [
    ("desktop", {}),
    ("dark", {"dark": True}),
    ("phone", {"width": 380, "height": 800}),
    ("without-javascript", {"javascript": False}),
])
def test_start_page__is_whole_in_every_look(new_site, new_window, look, options):
    window = new_window(**options).open(new_site(signup="open").url + "/")
    window.screenshot(f"start-{look}")
    assert "Your images have a berth here" in window.text()
    assert "docker login localhost:" in window.text()
    assert window.complaints() == []
    if options.get("javascript", True):
        assert not window.is_wider_than_the_screen()
        assert window.count("button.copy") == 3
    else:
        assert window.count("button.copy") == 0


def test_setup_link__makes_the_administrator_by_keyboard(new_site, new_window):
    site = new_site()
    window = new_window().open(setup_link(site))
    window.screenshot("setup")
    type_account(window, "captain")
    window.screenshot("welcome")
    assert "Welcome, captain" in window.text() and "administrator" in window.text()
    assert window.complaints() == []

    rows = site.command("user", "list", "--json").out
    assert '"captain"' in rows

    window.open(setup_link(site))
    assert "already" in window.text() and window.count("form") == 0


def test_sign_up__makes_an_account_that_can_log_in(new_site, new_window):
    site = new_site(signup="open")
    window = new_window().open(f"{site.url}/signup")
    window.screenshot("signup")
    type_account(window, "alice")
    assert "docker login -u alice" in window.text()

    answer = call(site, "GET", "/token?service=berth",
                  headers={"Authorization": basic("alice", "correct horse battery")})
    assert answer.status == 200


def basic(name, password):
    import base64
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_sign_up__says_what_is_wrong_and_keeps_what_was_typed(new_site, new_window):
    site = new_site(signup="open")
    site.add_user("alice", password="correct horse battery")
    window = new_window().open(f"{site.url}/signup")
    type_account(window, "alice")
    window.screenshot("signup-problem")
    assert "is taken" in window.find("[role=alert]").text
    assert window.find("#name").get_attribute("value") == "alice"
    assert window.find("#password").get_attribute("value") == ""


def test_unknown_page__leads_back(new_site, new_window):
    site = new_site()
    window = new_window().open(f"{site.url}/no/such/page")
    window.screenshot("unknown")
    window.find("main a").click()
    assert window.driver.current_url == f"{site.url}/"
