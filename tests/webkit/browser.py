#!/usr/bin/python3
"""A browser of one window for WebKitWebDriver that keeps its data in a folder.

The driver's own, MiniBrowser, keeps nothing while it is driven, so that nothing of it could be looked at
after its web process died. Knows no test. Usage: browser.py FOLDER
"""

import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gtk, WebKit2  # noqa: E402

folder = next(word for word in sys.argv[1:] if not word.startswith("-"))
data = WebKit2.WebsiteDataManager(base_data_directory=folder, base_cache_directory=folder)
context = WebKit2.WebContext(website_data_manager=data)
context.set_automation_allowed(True)


def view(*_):
    """Makes a window with a page that the driver controls."""
    page = WebKit2.WebView(web_context=context, is_controlled_by_automation=True)
    window = Gtk.Window(default_width=800, default_height=600)
    window.add(page)
    window.show_all()
    page.connect("close", lambda _: window.destroy())
    return page


def started(_, session):
    """Names this browser to the driver."""
    about = WebKit2.ApplicationInfo()
    about.set_name("KeepingBrowser")
    session.set_application_info(about)
    session.connect("create-web-view", view)


context.connect("automation-started", started)
Gtk.main()
