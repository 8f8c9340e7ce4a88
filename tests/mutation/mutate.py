"""The mutants of a module: mutmut's small changes, wherever code says what happens.

mutmut's own run wraps each function in a switch. That leaves out every decorated
function, so all studies and properties, and values at the top of a module; and tests of
signatures, compilation and pickling would see the wrapper. So we take its operators and
write each mutant as a whole module.
"""

import ast
import difflib
import warnings
from dataclasses import dataclass

import libcst as cst
import libcst.matchers as m
from mutmut.mutation.mutators import mutation_operators

# Without mutants: annotations, decorators and imports; what is said in an error; len(None).
SILENT = (
    m.Annotation()
    | m.Decorator()
    | m.Import()
    | m.ImportFrom()
    | m.Raise()
    | m.FormattedString()
    | m.Expr(m.SimpleString() | m.ConcatenatedString())
    | m.Assign([m.AssignTarget(m.Name("__all__"))])
    | m.Call(m.Name("len") | m.Name("isinstance"))
)
# In check_count("depth", depth) the text names the argument in an error.
CHECK = m.Name(m.MatchIfTrue(lambda name: name.startswith("check_")))
# For NumPy None is float, too: x.astype(None) changes nothing.
AS_FLOAT = m.Call(m.Attribute(attr=m.Name("astype")), [m.Arg(m.Name("float"))])


@dataclass(frozen=True)
class Mutant:
    """A module with one small change: in which function, from what, to what."""

    function: str
    old: str
    new: str
    source: str


def is_text(node):
    """Say whether a value is a text for readers: it has blanks, a key or mode has none."""
    if isinstance(node, cst.SimpleString):
        return " " in node.value
    return isinstance(node, cst.FormattedString | cst.ConcatenatedString)


def texts(call):
    """Return the arguments that only a reader sees, and those that name one in an error."""
    if m.matches(call, AS_FLOAT):
        return call.args
    named = m.matches(call.func, CHECK)
    return [
        arg
        for arg in call.args
        if is_text(arg.value) or (named and isinstance(arg.value, cst.SimpleString))
    ]


def among(node, nodes):
    """Say whether a node is one of several; nodes are compared by identity."""
    return any(node is other for other in nodes)


def changes(node, function=""):
    """Yield each change below a node: the function it is in, a node, and what replaces it."""
    if m.matches(node, SILENT) or is_text(node):
        return
    if isinstance(node, cst.FunctionDef | cst.ClassDef):
        function = f"{function}.{node.name.value}".lstrip(".")
    silent = texts(node) if isinstance(node, cst.Call) else []
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            for new in operator(node):
                # A call that lost an argument, or has another in its place.
                lost = [
                    arg for arg in silent if not among(arg, getattr(new, "args", silent))
                ]
                if not lost:
                    yield function, node, new
    for child in node.children:
        if not among(child, silent):
            yield from changes(child, function)


def changed_lines(source, changed):
    """Return the lines that went and the lines that came, each as one text."""
    diff = list(difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0))[2:]
    return [
        " ".join(line[1:].strip() for line in diff if line.startswith(sign))
        for sign in "-+"
    ]


def mutants(source):
    """Return all mutants of a module that can be compiled and differ from one another."""
    module = cst.MetadataWrapper(cst.parse_module(source)).module  # no node stands twice
    end = len("".join(module.code_for_node(line) for line in module.header))
    found = []
    for statement in module.body:
        text = module.code_for_node(statement)
        start, end = end, end + len(text)
        seen = {ast.dump(ast.parse(text))}
        for function, node, new in changes(statement):
            other = new if node is statement else statement.deep_replace(node, new)
            changed = module.code_for_node(other)
            try:
                with warnings.catch_warnings(action="ignore"):
                    compile(changed, "mutant", "exec")
            except SyntaxError:  # a `return` in place of a `break`, outside functions
                continue
            if (tree := ast.dump(ast.parse(changed))) not in seen:
                seen.add(tree)
                whole = source[:start] + changed + source[end:]
                found.append(Mutant(function, *changed_lines(text, changed), whole))
    return found
