#!/usr/bin/env python3
"""Make src/core/types_table.h from shared-mime-info's globs2.

  tools/mktypes.py [/usr/share/mime/globs2] > src/core/types_table.h

Which MIME type is what kind of file stands here and, in words, in src/core/types.h.
"""
import re
import sys
from collections import Counter, defaultdict

ORDER = ["video", "audio", "image", "document", "archive"]

# Patterns over the whole MIME type; the first that fits decides.
RULES = [
    ("document", r"image/(vnd\.djvu.*|x-djvu)"),
    ("video", r"video/.*|application/(mxf|vnd\.rn-realmedia|vnd\.ms-asf|vnd\.adobe\.flash\.movie)"),
    ("audio", r"audio/.*|application/(x-cue|vnd\.apple\.mpegurl)"),
    ("image", r"image/.*|application/(illustrator|x-krita|vnd\.oasis\.opendocument\.(image|graphics).*)"),
    ("document", r"text/(plain|markdown|html|rtf|richtext|csv|tab-separated-values|x-tex|x-bibtex|x-rst|org|"
                 r"troff|x-readme|x-log)"),
    ("document", r"application/(pdf|x-.*pdf|postscript|x-.*postscript|rtf|epub\+zip|x-mobipocket-ebook|"
                 r"vnd\.amazon\.mobi8-ebook|x-fictionbook\+xml|x-zip-compressed-fb2|x-dvi|x-.*dvi|oxps|"
                 r"vnd\.ms-xpsdocument|xhtml\+xml|vnd\.comicbook.*|x-cb[a-z0-9]+|msword.*|vnd\.ms-(word|excel|"
                 r"powerpoint|works|publisher).*|vnd\.openxmlformats-officedocument.*|vnd\.oasis\.opendocument.*|"
                 r"vnd\.(sun\.xml|stardivision|lotus-1-2-3|lotus-wordpro|wordperfect|visio|ms-visio|corel-draw).*|"
                 r"wordperfect.*|x-(abiword|gnumeric|kword|kspread|kpresenter|lyx|mswrite|quattropro|"
                 r"applix-.*|hwp|hwt|chm|mimearchive|t602|docbook\+xml)|vnd\.apple\.(pages|numbers|keynote)|"
                 r"vnd\.chess-pgn|mathml\+xml)"),
    ("archive", r"application/(zip|gzip|zstd|x-tar|x-tarz|x-.*-compressed-tar|x-compressed-tar|x-compress|"
                r"x-(bzip|bzip2|bzip3|xz|lzma|lz4|lzip|lzop|lrzip|rzip|7z-compressed|rar|arj|lha|zoo|ace|alz|"
                r"stuffit|stuffitx|cpio|archive|gtar|ustar|xar|rpm|deb|source-rpm|zpaq|brotli|cd-image|"
                r"raw-disk-image.*|apple-diskimage|iso9660-appimage|java-archive|xpinstall|dar|par2|ms-wim|"
                r"gz-font.*)|vnd\.(rar|debian\.binary-package|ms-cab-compressed|android\.package-archive|"
                r"efi\.iso|snap|flatpak|appimage)|java-archive|x-virtualbox-.*|x-qemu-disk)"),
]


def type_of(mime):
    for name, pattern in RULES:
        if re.fullmatch(pattern, mime):
            return name
    return None


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/mime/globs2"
    votes = defaultdict(Counter)
    with open(path, encoding="utf-8") as globs:
        for line in globs:
            if line.startswith("#"):
                continue
            weight, mime, glob = line.rstrip("\n").split(":")[:3]
            ext = re.fullmatch(r"\*\.([A-Za-z0-9_+-]+)", glob)
            if ext and type_of(mime):
                votes[ext[1].lower()][type_of(mime)] += int(weight)
    print("/* Made by tools/mktypes.py from shared-mime-info; do not edit. Sorted for bsearch. */")
    print("#pragma once")
    for ext in sorted(votes, key=lambda e: e.encode()):
        best = max(votes[ext], key=lambda t: (votes[ext][t], -ORDER.index(t)))
        print(f'{{"{ext}", TYPE_{best.upper()}}},')


if __name__ == "__main__":
    main()
