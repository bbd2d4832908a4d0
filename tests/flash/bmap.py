"""Block maps, as bmaptool makes them."""

import hashlib


def bmap(content: bytes, ranges: list[tuple[int, int]], version: str = "2.0") -> str:
    """The text of a map; `ranges` are (first, last) blocks of 4096 bytes."""
    new = version == "2.0"
    algorithm, key, own = ("sha256", "chksum", "BmapFileChecksum") if new else ("sha1", "sha1", "BmapFileSHA1")
    blank = "0" * hashlib.new(algorithm).digest_size * 2
    lines = [f'<?xml version="1.0" ?>\n<bmap version="{version}">', f" <ImageSize> {len(content)} </ImageSize>"]
    lines += [" <BlockSize> 4096 </BlockSize>", f" <BlocksCount> {-(-len(content) // 4096)} </BlocksCount>"]
    lines += [" <ChecksumType> sha256 </ChecksumType>"] if new else []
    lines += [f" <{own}> {blank} </{own}>", " <BlockMap>"]
    for first, last in ranges:
        digest = hashlib.new(algorithm, content[first * 4096 : (last + 1) * 4096]).hexdigest()
        lines.append(f'  <Range {key}="{digest}"> {first}-{last} </Range>'.replace(f"{first}-{first} ", f"{first} "))
    text = "\n".join([*lines, " </BlockMap>", "</bmap>", ""])
    return text.replace(blank, hashlib.new(algorithm, text.encode()).hexdigest(), 1)
