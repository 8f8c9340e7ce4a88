"""Put a cell tagged `numpy` and the cell tagged `torch` after it side by side."""

from docutils import nodes


def is_cell(node, tag):
    """Say whether a node is a notebook cell with this tag."""
    return isinstance(node, nodes.container) and f"tag_{tag}" in node["classes"]


def pair_cells(app, doctree):
    """Wrap each NumPy cell and the PyTorch cell after it in one container."""
    for cell in [n for n in doctree.findall(nodes.container) if is_cell(n, "numpy")]:
        siblings = cell.parent.children
        index = siblings.index(cell)
        if index + 1 < len(siblings) and is_cell(siblings[index + 1], "torch"):
            pair = nodes.container(classes=["frameworks"])
            twin = siblings[index + 1]
            cell.replace_self(pair)
            twin.parent.remove(twin)
            pair += [cell, twin]


def setup(app):
    """Register with Sphinx."""
    app.connect("doctree-read", pair_cells)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
