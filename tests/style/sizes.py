"""Files have at most 500 lines and functions at most 70."""

import re

from sources import files, finish, root_parser

FILE_LIMIT = 500
FUNCTION_LIMIT = 70

# What must not be mistaken for code: raw strings, comments, strings, characters (but not the ' in 1'000).
NOT_CODE = re.compile(
    r'R"([^(]*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL
)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
NO_FUNCTION = re.compile(r"\s*(namespace|class|struct|enum|union|extern|if|else|for|while|switch|do|try|catch)\b")


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def functions(text):
    """(first line, last line, header) of everything in braces that has parameters, lambdas included."""
    code = PREPROCESSOR.sub(blank, NOT_CODE.sub(blank, text))
    line, start, opened = 1, 0, []
    for position, character in enumerate(code):
        if character == "\n":
            line += 1
        elif character == "{":
            header = code[start:position]
            first = line - header.lstrip().count("\n")
            opened.append((first, " ".join(header.split())))
        elif character == "}" and opened:
            first, header = opened.pop()
            if "(" in header and not NO_FUNCTION.match(header):
                yield first, line, header
        if character in "{};":
            start = position + 1


def check_file(path, root):
    name = path.relative_to(root).as_posix()
    text = path.read_text()
    lines = text.count("\n")
    if lines > FILE_LIMIT:
        yield f"{name}: {lines} lines, more than {FILE_LIMIT}"
    for first, last, header in functions(text):
        if last - first + 1 > FUNCTION_LIMIT:
            yield f"{name}:{first}: {last - first + 1} lines, more than {FUNCTION_LIMIT}: {header[:80]}"


def main():
    root = root_parser(__doc__).parse_args().root
    ours = files(root, "src", "include", "tests", "tools", "bench", "examples")
    finish([complaint for path in ours for complaint in check_file(path, root)], f"sizes of {len(ours)} files")


main()
