"""Charts as SVG elements, for pages that fetch nothing and run no script."""
