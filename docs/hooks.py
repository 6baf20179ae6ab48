"""Hooks of MkDocs: pages of the repository beside those in docs/, links among them, and what is generated."""

from __future__ import annotations

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from site_pages import generated
from site_pages.indentation import widen_lists
from site_pages.navigation import expand
from site_pages.repository import ROOT, Repository

INSERT = re.compile(r"^<!-- insert: ([a-z-]+) -->$", re.MULTILINE)
ROLE = re.compile(r":(?:class|func|meth|attr|mod|exc):(?=<code>)")
SEARCH = 'data-md-component="search" role="dialog"'
COMMENT = re.compile(r"^ *<!--.*?-->\n?", re.MULTILINE | re.DOTALL)


class Site:
    """The pages of one build."""

    repository: Repository


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Find the pages of the repository, and expand the names with ``*`` of the navigation."""
    Site.repository = Repository(ROOT)
    config.nav = expand(config.nav or [], Site.repository.pages)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the repository outside docs/, and the pictures and sources that pages link to."""
    for uri, path in Site.repository.added_files().items():
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(path)))
    for uri, content in Site.repository.source_pages().items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page with its links, its lists and its generated parts as the site needs them."""
    uri = page.file.src_uri
    if uri in Site.repository.sources:
        return markdown
    markdown = INSERT.sub(lambda match: generated.PARTS[match[1]](), markdown)
    markdown = Site.repository.rewrite_links(markdown, uri)
    return widen_lists(COMMENT.sub("", markdown))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Remove the roles of Sphinx that docstrings have before names."""
    return ROLE.sub("", html)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Name the dialog of the search for readers who do not see it."""
    return output.replace(SEARCH, f'{SEARCH} aria-label="Search"')
