"""The results as pages: a site in HTML, and a folder of Markdown, CSV and SVG to publish.

The front door is `site.write_site` and `publication.write_publication`.
"""
